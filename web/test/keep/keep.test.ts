import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Posting } from "../../src/chat/posting.ts";
import { Recall } from "../../src/chat/recall.ts";
import { Keep } from "../../src/keep/keep.ts";
import { pageOf, tooMuch } from "../../src/keep/keeper.ts";
import { most } from "../../src/keep/shape.ts";
import { lastUser } from "../../src/keep/who.ts";
import { Store } from "../../src/store/store.ts";
import type { Ack, Frame } from "../../src/wire/types.ts";
import { at, me, message, page, ready, room } from "../make.ts";

/** One page of the browser: a store, what it sends, and what it remembers. */
interface Tab {
  store: Store;
  posting: Posting;
  recall: Recall;
  sent: Frame[];
  cursor: string;
}

const tabs: Tab[] = [];

function open(online = false): Tab {
  const store = new Store();
  store.signedIn(me);
  const sent: Frame[] = [];
  const request = (f: Frame): Promise<Ack> => {
    sent.push(f);
    return online ? Promise.resolve({ id: `Z${sent.length}`, at }) : Promise.reject(new Error("offline"));
  };
  const posting = new Posting(store, { request, send: () => undefined });
  const recall = new Recall(me, store, posting, () => undefined);
  const tab = { store, posting, recall, sent, cursor: "" };
  tabs.push(tab);
  return tab;
}

/** Lets a tab write, and waits until all it has is written. */
async function written(tab: Tab): Promise<void> {
  await tab.recall.write(() => tab.cursor);
  await vi.waitFor(() => (tab.recall.hurry(), expect(tab.recall.due).toBe(false)), { timeout: 20_000, interval: 20 });
}

/** A page that has been online, with a room of three messages. */
async function first(): Promise<Tab> {
  const tab = open();
  await tab.recall.begin("");
  tab.cursor = "c1";
  tab.recall.reset();
  tab.store.apply(ready({ rooms: [room(), room({ id: "S", name: "other" })] }));
  tab.store.timeline("R").addNewest(page(["01", "02", "03"], "01"));
  tab.store.timeline("S").addNewest({ items: [message("04", { room: "S" })], prev: null, next: null });
  await written(tab);
  return tab;
}

const bodies = (tab: Tab, r = "R"): string[] => tab.store.timeline(r).rows.peek().map((e) => e.shown.peek().message.body);

beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
  const items = new Map<string, string>();
  vi.stubGlobal("localStorage", { getItem: (k: string) => items.get(k) ?? null, setItem: (k: string, v: string) => void items.set(k, v), removeItem: (k: string) => void items.delete(k) });
  vi.stubGlobal("navigator", {}); // without locks
});

afterEach(async () => {
  for (const t of tabs.splice(0)) await t.recall.end();
  vi.unstubAllGlobals();
});

test("a second start has the rooms, the users, the page of the room and the cursor", async () => {
  await first();
  const two = open();
  const got = await two.recall.begin("R");
  expect(got.cursor).toBe("c1");
  expect(two.store.rooms.peek("S")?.name).toBe("other");
  expect(bodies(two)).toEqual(["body of 01", "body of 02", "body of 03"]);
  expect(two.store.timeline("R").wantsNewest).toBe(false);
  expect(two.store.timeline("R").hasOlder).toBe(true);
});

test("I5: what was missed comes in as if the page had been asleep, also in a room that was not read from the keep", async () => {
  await first();
  const two = open();
  await two.recall.begin("R");
  two.store.apply(ready({ resumed: true, rooms: [room(), room({ id: "S", name: "other" })] }));
  two.store.apply({ type: "message", ...message("05") });
  two.store.apply({ type: "message", ...message("06", { room: "S" }) });
  two.store.apply({ type: "message_edited", room: "S", id: "04", user: "OTHER", body: "edited", edited_at: at });
  expect(bodies(two)).toEqual(["body of 01", "body of 02", "body of 03", "body of 05"]);
  two.cursor = "c2";
  await written(two);
  expect(bodies(two, "S")).toEqual(["edited", "body of 06"]);
  const three = open();
  await three.recall.begin("S");
  expect(bodies(three, "S")).toEqual(["edited", "body of 06"]);
});

test("nothing is written with a cursor that is ahead of what is kept", async () => {
  await first();
  const two = open();
  await two.recall.begin("R");
  let give = (): void => undefined;
  vi.spyOn(Keep.prototype, "page").mockImplementation(() => new Promise((resolve) => (give = () => resolve(null))));
  two.store.apply({ type: "message", ...message("06", { room: "S" }) });
  two.cursor = "c2";
  await two.recall.write(() => two.cursor);
  two.recall.hurry();
  const look = new Keep(me.id);
  expect((await look.start("S")).overview?.cursor).toBe("c1");
  vi.mocked(Keep.prototype.page).mockRestore();
  give();
  await written(two);
  const now = await look.start("S");
  expect(now.overview?.cursor).toBe("c2");
  expect(now.page).toBeNull(); // what was there lacks what came since
  await look.close();
});

test("a reset drops what is kept", async () => {
  await first();
  const two = open();
  await two.recall.begin("R");
  two.cursor = "c9";
  two.recall.reset();
  two.store.apply(ready({ rooms: [room(), room({ id: "S", name: "other" })] }));
  await written(two);
  const three = open();
  expect((await three.recall.begin("R")).cursor).toBe("c9");
  expect(bodies(three)).toEqual([]);
  expect(three.recall.read("S")).toBeUndefined();
});

test("who finds that another tab has written since writes all anew", async () => {
  const one = await first();
  const two = open();
  await two.recall.begin("R");
  two.cursor = "c2";
  two.store.apply({ type: "message", ...message("05") });
  await written(two); // without S, which stays as it was
  one.cursor = "c3";
  one.store.apply({ type: "message", ...message("05") });
  one.store.apply({ type: "message", ...message("06", { room: "S" }) });
  await written(one);
  const three = open();
  expect((await three.recall.begin("S")).cursor).toBe("c3");
  expect(bodies(three, "S")).toEqual(["body of 04", "body of 06"]);
});

test("I7: posts made offline are sent by the next page, once and in order, by their nonces", async () => {
  const one = await first();
  for (const body of ["a", "b", "c"]) one.posting.post("R", body);
  const two = open(true);
  await vi.waitFor(async () => expect((await new Keep(me.id).start("R")).posts).toHaveLength(3));
  await two.recall.begin("R");
  await vi.waitFor(() => expect(two.sent).toHaveLength(3));
  expect(two.sent.map((f) => f.type === "post" && f.body)).toEqual(["a", "b", "c"]);
  const nonces = one.sent.concat(two.sent).map((f) => f.type === "post" && f.nonce);
  expect(new Set(nonces).size).toBe(3); // the first was tried offline, too
  await vi.waitFor(async () => expect((await new Keep(me.id).start("R")).posts).toHaveLength(0));
  expect(bodies(two).slice(-3)).toEqual(["a", "b", "c"]);
});

test("I7: a post that is older than the server knows nonces is not sent by itself", async () => {
  const keep = new Keep(me.id);
  const old = new Date(Date.now() - 24 * 3_600_000).toISOString();
  keep.putPost({ room: "R", body: "old", nonce: "n", at: old, seq: 1 });
  const two = open(true);
  await vi.waitFor(async () => expect((await keep.start("")).posts).toHaveLength(1));
  await keep.close();
  await two.recall.begin("R");
  expect(two.sent).toHaveLength(0);
  expect(two.store.timeline("R").entry("n")?.shown.peek().state).toBe("failed");
  two.posting.retry("R", "n");
  await vi.waitFor(() => expect(two.sent).toHaveLength(1));
});

test("drafts are kept, and emptied ones forgotten", async () => {
  const one = await first();
  one.store.drafts.set("R", "half a wo");
  one.store.drafts.set("S", "x");
  one.store.drafts.set("S", "");
  one.recall.hurry();
  await vi.waitFor(async () => expect((await new Keep(me.id).start("R")).drafts).toEqual([{ room: "R", text: "half a wo" }]));
  const two = open();
  await two.recall.begin("R");
  expect(two.store.drafts.get("R")).toBe("half a wo");
});

test("leaving deletes all of the account", async () => {
  const one = await first();
  one.posting.post("R", "waiting");
  expect(lastUser()?.id).toBe(me.id);
  await one.recall.end();
  expect(lastUser()).toBeNull();
  expect(await indexedDB.databases()).toEqual([]);
});

test.each([
  ["throws", () => { throw new Error("private window"); }],
  ["fails", () => { const r: Record<string, unknown> = { error: new Error("quota") }; queueMicrotask(() => (r["onerror"] as () => void)()); return r; }],
])("a database that %s is done without, and said once", async (_, opens) => {
  vi.stubGlobal("indexedDB", { open: opens, deleteDatabase: opens });
  const info = vi.spyOn(console, "info").mockImplementation(() => undefined);
  const tab = open(true);
  expect(await tab.recall.begin("R")).toEqual({ cursor: "", open: "" });
  tab.store.apply(ready());
  tab.posting.post("R", "still goes");
  tab.store.drafts.set("R", "and drafts");
  await tab.recall.write(() => "c1");
  tab.recall.hurry();
  await vi.waitFor(() => expect(tab.sent).toHaveLength(1));
  expect(info).toHaveBeenCalledTimes(1);
  info.mockRestore();
});

test("of a room the newest are kept, bounded by number and by size", () => {
  const store = new Store();
  store.apply(ready());
  const items = Array.from({ length: 300 }, (_, i) => message(String(1000 + i)));
  store.timeline("R").addNewest({ items, prev: null, next: null });
  const kept = pageOf(store, "R")!;
  expect([kept.messages.length, kept.from, kept.messages.at(-1)!.id]).toEqual([most.messages, "1100", "1299"]);
  store.timeline("R").arrived(message("2000", { body: "x".repeat(most.roomBytes / 2 - 2000) }));
  expect(pageOf(store, "R")!.messages.length).toBeLessThan(20);
  store.apply({ type: "reset", reason: "" });
  expect(pageOf(store, "R")).toBeNull();
});

test("of the rooms those go that were longest of no use", () => {
  const pages = Array.from({ length: most.rooms + 2 }, (_, i) => ({ room: `r${i}`, bytes: 10, used: i }));
  expect(tooMuch(pages)).toEqual(["r1", "r0"]);
  const heavy = [{ room: "a", bytes: most.bytes - 1, used: 2 }, { room: "b", bytes: 2, used: 1 }];
  expect(tooMuch(heavy)).toEqual(["b"]);
});

test("a glance shows rooms and messages before the database answers, and the database agrees", async () => {
  const one = await first();
  one.store.rooms.open.value = "R";
  one.recall.changed("R");
  await written(one);
  await vi.waitFor(() => expect(localStorage.getItem("klatch-glance")).not.toBeNull());
  const two = open();
  expect(two.recall.glance("")).toBe("R");
  expect(bodies(two)).toEqual(["body of 01", "body of 02", "body of 03"]);
  expect(two.store.rooms.peek("S")?.name).toBe("other");
  const shown = two.store.timeline("R").rows.peek()[0]!;
  expect((await two.recall.begin("")).cursor).toBe("c1");
  expect(two.store.timeline("R").rows.peek()[0]).toBe(shown); // not made anew
  expect(two.recall.glance("S")).toBeNull(); // it is of another room
});

test("I5: a glance that the database knows nothing of is forgotten", async () => {
  const one = await first();
  one.store.rooms.open.value = "R";
  one.recall.changed("R");
  await written(one);
  await vi.waitFor(() => expect(localStorage.getItem("klatch-glance")).not.toBeNull());
  const old = localStorage.getItem("klatch-glance")!;
  one.store.apply({ type: "message_deleted", room: "R", id: "02", duplicate: true });
  one.cursor = "c2";
  await written(one);
  localStorage.setItem("klatch-glance", old); // the page ended before it could keep another
  const two = open();
  two.recall.glance("R");
  expect(bodies(two)).toHaveLength(3);
  await two.recall.begin("R");
  expect(bodies(two)).toEqual(["body of 01", "body of 03"]);
});

test("signing out leaves no glance", async () => {
  const one = await first();
  one.store.rooms.open.value = "R";
  one.recall.changed("R");
  await written(one);
  await vi.waitFor(() => expect(localStorage.getItem("klatch-glance")).not.toBeNull());
  await one.recall.end();
  expect(localStorage.getItem("klatch-glance")).toBeNull();
});
