import { afterEach, expect, test, vi } from "vitest";
import { MemberPages } from "../../src/chat/memberpages.ts";
import type { Store } from "../../src/store/store.ts";
import type { Member } from "../../src/wire/types.ts";
import { me, storeWithRoom } from "../make.ts";

afterEach(() => vi.unstubAllGlobals());

function member(i: number): Member {
  const id = `U${String(i).padStart(5, "0")}`;
  return { id, username: `user-${i}`, display_name: "", role: "user", bot: false, room_role: "member" };
}

/** A server of a room of so many; tells which pages were asked for. */
function serve(n: number): string[] {
  const all = Array.from({ length: n }, (_, i) => member(i));
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (url: string) => {
    const query = new URL(url, "http://x").searchParams;
    const after = query.get("after") ?? "";
    const limit = Number(query.get("limit"));
    asked.push(after);
    const left = all.filter((m) => m.id > after);
    const items = left.slice(0, limit);
    return Response.json({ items, next: left.length > limit ? items.at(-1)!.id : null });
  });
  return asked;
}

function opened(members: number): { store: Store; pages: MemberPages } {
  const store = storeWithRoom({ members });
  store.signedIn(me);
  return { store, pages: new MemberPages(store) };
}

const known = (store: Store): number => store.people.members.peek("R")?.length ?? 0;

test("of a large room one page is loaded, and another whenever it is wanted, once", async () => {
  const asked = serve(5000);
  const { store, pages } = opened(5000);
  await pages.load("R");
  expect(known(store)).toBe(200);
  await Promise.all([pages.more("R"), pages.more("R"), pages.more("R")]);
  expect(known(store)).toBe(400);
  expect(asked).toEqual(["", "U00199"]);
  while (store.people.moreMembers.peek("R")) await pages.more("R");
  expect(known(store)).toBe(5000);
  expect(new Set(store.people.members.peek("R")!.map((m) => m.id)).size).toBe(5000);
  await pages.more("R");
  expect(asked).toHaveLength(25);
});

test("of a room whose members are told of by name all are loaded", async () => {
  serve(250);
  const { store, pages } = opened(250);
  await pages.load("R");
  expect(known(store)).toBe(250);
  expect(store.people.moreMembers.peek("R")).toBeUndefined();
});

test("what was loaded is loaded anew in one, and somebody who joined meanwhile is there once", async () => {
  serve(900);
  const { store, pages } = opened(900);
  await pages.load("R");
  await pages.more("R");
  const { id, username } = member(650);
  store.apply({ type: "member_joined", room: "R", user: id, username, role: "member" });
  const sizes: number[] = [];
  const stop = store.people.members.at("R").subscribe((m) => void sizes.push(m?.length ?? 0));
  await pages.load("R");
  stop();
  expect(sizes).toEqual([401, 600]);
  await pages.many("R");
  expect(known(store)).toBe(900);
});

test("after a failure there is a pause", async () => {
  const asked = serve(5000);
  const { store, pages } = opened(5000);
  await pages.load("R");
  const refuse = vi.fn(async () => {
    throw new TypeError("no network");
  });
  vi.stubGlobal("fetch", refuse);
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  await pages.more("R");
  await pages.more("R");
  await pages.many("R");
  expect(refuse).toHaveBeenCalledTimes(1);
  expect(asked).toHaveLength(1);
  expect(known(store)).toBe(200);
});
