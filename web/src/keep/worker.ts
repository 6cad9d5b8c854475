// The service worker: keeps the files of one build, whole or not at all, and answers with them. The build gives it
// their names, so that each build's worker is another file, which is how browsers notice.
//
// A page of an older build that is still open finds its files in that build's cache, which stays as long as a page
// holds its lock. The API is none of its business.

import { buildOf, cachePrefix, lockOf, type Asked } from "./build.ts";

interface Extendable extends Event {
  waitUntil(p: Promise<unknown>): void;
}

interface Fetched extends Extendable {
  readonly request: Request;
  respondWith(r: Promise<Response>): void;
}

interface Scope {
  readonly registration: ServiceWorkerRegistration;
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", on: (e: Extendable) => void): void;
  addEventListener(type: "fetch", on: (e: Fetched) => void): void;
  addEventListener(type: "message", on: (e: Extendable & { readonly data: Asked }) => void): void;
}

/** Put here by the build: all files, those that the page names, and the page's hash (SHA-256), which its name does not hold. */
declare const __FILES__: string[];
declare const __NAMED__: string[];
declare const __PAGE_HASH__: string;

const worker = self as unknown as Scope;
const cacheName = cachePrefix + buildOf(__NAMED__);

worker.addEventListener("install", (e) => e.waitUntil(install()));
worker.addEventListener("activate", (e) => e.waitUntil(tidy()));
worker.addEventListener("message", (e) => {
  if (e.data.kind === "take over") e.waitUntil(worker.skipWaiting());
  else if (e.data.kind === "tidy") e.waitUntil(tidy());
});
worker.addEventListener("fetch", (e) => {
  const { request } = e;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && url.pathname === "/") e.respondWith(page(request));
  else if (/^\/[\w.-]+-[0-9a-f]{12}\.\w+$/.test(url.pathname)) e.respondWith(file(request));
});

/** Nodes may be of two builds while they are exchanged: a page of another one than ours is refused. */
async function install(): Promise<void> {
  const cache = await caches.open(cacheName);
  const got = await fetch(new Request("/", { cache: "reload", credentials: "omit" }));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await got.clone().arrayBuffer()));
  const hash = Array.from(digest, (b) => b.toString(16).padStart(2, "0")).join("");
  if (!got.ok || hash !== __PAGE_HASH__) throw new Error("the page is of another build");
  await cache.addAll(__FILES__.map((f) => `/${f}`));
  await cache.put("/", got);
}

async function page(request: Request): Promise<Response> {
  const cache = await caches.open(cacheName);
  return (await cache.match("/", { ignoreVary: true })) ?? fetch(request);
}

async function file(request: Request): Promise<Response> {
  return (await caches.match(request.url, { ignoreVary: true })) ?? fetch(request);
}

/** Removes the caches of builds of which no page lives; one that is being installed is not old. */
async function tidy(): Promise<void> {
  const { installing, waiting } = worker.registration;
  if (installing || waiting) return;
  const { held = [] } = (await navigator.locks.query()) ?? {};
  const alive = new Set(held.map((l) => l.name));
  for (const name of await caches.keys()) {
    const other = name.startsWith(cachePrefix) && name !== cacheName;
    if (other && !alive.has(lockOf(name.slice(cachePrefix.length)))) await caches.delete(name);
  }
}
