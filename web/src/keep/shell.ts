// The page's side of the service worker (worker.ts): registers it, tells when another build waits, and lets it in.

import type { Signal } from "@preact/signals";
import { buildOf, lockOf, type Asked } from "./build.ts";

const lookEvery = 3_600_000;

let registration: ServiceWorkerRegistration | undefined;

export const Shell = {
  /** From now on the next start is served from here. newVersion becomes true when that would be another page. */
  async start(newVersion: Signal<boolean>): Promise<void> {
    if (registration || !navigator.serviceWorker) return; // plain http, or a browser's private window
    const build = buildOf(named());
    void navigator.locks?.request(lockOf(build), { mode: "shared" }, () => new Promise(() => undefined)); // for as long as this page lives
    registration = await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
    watch(registration, newVersion);
    setInterval(() => void look(), lookEvery);
    registration.active?.postMessage({ kind: "tidy" } satisfies Asked);
  },

  /** Lets the other build in, and loads it. */
  async reload(): Promise<void> {
    const waiting = registration?.waiting;
    if (!waiting) return location.reload();
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    waiting.postMessage({ kind: "take over" } satisfies Asked);
  },
};

/** The files that this page names. */
function named(): string[] {
  return [...document.querySelectorAll("script[src], link[href]")].map((e) => e.getAttribute("src") ?? e.getAttribute("href")!);
}

/** Looks whether the server has another build. */
async function look(): Promise<void> {
  try {
    await registration?.update();
  } catch {
    // There is no network: later.
  }
}

function watch(r: ServiceWorkerRegistration, newVersion: Signal<boolean>): void {
  const installed = (w: ServiceWorker | null): void => {
    // The first one ever is no news: the page that runs is its own.
    if (w?.state === "installed" && navigator.serviceWorker.controller) newVersion.value = true;
  };
  installed(r.waiting);
  r.addEventListener("updatefound", () => {
    const w = r.installing;
    w?.addEventListener("statechange", () => installed(w));
  });
  // Another tab has let it in: this page is of the build before.
  const had = navigator.serviceWorker.controller;
  if (had) navigator.serviceWorker.addEventListener("controllerchange", () => (newVersion.value = true));
}
