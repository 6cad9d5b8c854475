import { effect } from "@preact/signals";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Store } from "../../src/store/store.ts";
import { unreadLimit } from "../../src/store/rooms.ts";
import { at, me, message, page, ready, room, storeWithRoom } from "../make.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const counts = (s: Store): number[] => [s.rooms.peek("R")!.unread, s.rooms.peek("R")!.mentions];

test("a message counts once, if it is news", () => {
  const s = storeWithRoom({ last: { id: "05", at }, unread: 1, last_read: "04" });
  s.apply({ type: "message", ...message("05") }); // replayed: counted by the server
  s.apply({ type: "message", ...message("06") });
  s.apply({ type: "message", ...message("06") });
  s.apply({ type: "message", ...message("07", { user: me.id }) });
  s.apply({ type: "message", ...message("08", { mentions: [me.id] }) });
  expect(counts(s)).toEqual([3, 1]);
  expect(s.rooms.unread.value).toBe(3);
  s.apply({ type: "read", room: "R", user: me.id, id: "08" });
  expect(counts(s)).toEqual([0, 0]);
});

test("a marker that is not at the end leaves what is after it unread", () => {
  const s = storeWithRoom();
  s.apply({ type: "message", ...message("01") });
  s.apply({ type: "message", ...message("02") });
  s.apply({ type: "read", room: "R", user: me.id, id: "01" });
  expect([s.rooms.peek("R")?.unread, s.rooms.peek("R")?.last_read]).toEqual([2, "01"]);
  s.apply({ type: "read", room: "R", user: "OTHER", id: "02" });
  expect(counts(s)).toEqual([2, 0]);
});

test("who is connected is here, whatever a page of members asked for before says", () => {
  const s = storeWithRoom();
  s.people.setMembers("R", [{ ...me, room_role: "owner", status: "offline" }, { ...me, id: "OTHER", room_role: "member" }]);
  expect([s.people.statusOf(me.id), s.people.statusOf("OTHER")]).toEqual(["online", "offline"]);
  s.people.setMembers("R", [{ ...me, room_role: "owner", status: "busy" }]);
  expect(s.people.statusOf(me.id)).toBe("busy");
});

test("a room is archived and opened again", () => {
  const s = storeWithRoom();
  const { role: _, last: __, unread: ___, mentions: ____, last_read: _____, ...facts } = s.rooms.peek("R")!;
  s.apply({ type: "room_updated", ...facts, archived: true });
  expect(s.rooms.peek("R")?.archived).toBe(true);
  s.apply({ type: "room_updated", ...facts });
  expect(s.rooms.peek("R")?.archived).toBe(false);
});

test("unread stops at the limit", () => {
  const s = storeWithRoom({ last: { id: "1", at }, unread: unreadLimit - 1 });
  for (let i = 0; i < 5; i++) s.apply({ type: "message", ...message(`2${i}`) });
  expect(s.rooms.peek("R")?.unread).toBe(unreadLimit);
});

test("edits, deletions and reactions change rows and quotes", () => {
  const s = storeWithRoom();
  s.timeline("R").addNewest(page(["05"], "05"));
  s.setQuote(message("01"));
  s.apply({ type: "message_edited", room: "R", id: "01", user: "OTHER", body: "new", edited_at: at });
  expect(s.quoted("R", "01")?.body).toBe("new");
  s.apply({ type: "reaction", room: "R", id: "05", user: me.id, emoji: "👍", count: 1 });
  expect(s.quoted("R", "05")?.reactions).toEqual([{ emoji: "👍", count: 1, me: true }]);
  s.apply({ type: "message_deleted", room: "R", id: "01" });
  expect(s.quoted("R", "01")?.deleted).toBe(true);
});

test("a resumed session goes on; one that is not loads its pages anew", () => {
  const s = storeWithRoom();
  const t = s.timeline("R");
  t.addNewest(page(["01"]));
  s.apply(ready({ resumed: true }));
  expect(t.wantsNewest).toBe(false);
  s.apply(ready({ resumed: false }));
  expect(t.wantsNewest).toBe(true);
  t.addNewest(page(["01"]));
  s.apply({ type: "reset", reason: "too old" });
  expect(t.wantsNewest).toBe(true);
});

test("rooms that went while we were away are gone", () => {
  const s = new Store();
  s.apply(ready({ rooms: [room(), room({ id: "S", name: "second" })] }));
  const t = s.timeline("S");
  s.apply(ready({ resumed: true, rooms: [room()] }));
  expect(s.rooms.joined.value.map((r) => r.id)).toEqual(["R"]);
  expect(s.timeline("S")).not.toBe(t);
});

test("leaving by another window removes the room; others leaving does not", () => {
  const s = storeWithRoom();
  s.people.setMembers("R", [{ ...me, room_role: "owner" }, { ...me, id: "OTHER", room_role: "member" }]);
  s.apply({ type: "member_left", room: "R", user: "OTHER" });
  expect(s.people.members.peek("R")?.map((m) => m.id)).toEqual([me.id]);
  s.apply({ type: "member_left", room: "R", user: me.id });
  expect(s.rooms.joined.value).toEqual([]);
});

test("a direct room is called by who is in it, and takes their new names", () => {
  const s = storeWithRoom({ direct: true, name: "" });
  const bob = { id: "B", username: "bob", display_name: "Bob", role: "user", bot: false };
  s.people.setMembers("R", [{ ...me, room_role: "member" }, { ...bob, room_role: "member" }]);
  expect(s.titleOf(s.rooms.peek("R")!)).toBe("Bob");
  s.apply({ type: "user_updated", ...bob, display_name: "Robert" });
  expect(s.titleOf(s.rooms.peek("R")!)).toBe("Robert");
});

test("typing ends by itself, or with the message; large rooms tell a number", () => {
  const s = storeWithRoom();
  s.apply({ type: "typing", room: "R", user: "OTHER" });
  s.apply({ type: "typing", room: "R", user: me.id }); // another window of ours
  expect(s.typing.of("R").users).toEqual(["OTHER"]);
  vi.advanceTimersByTime(6000);
  expect(s.typing.of("R").users).toEqual([]);
  s.apply({ type: "typing", room: "R", user: "OTHER" });
  s.apply({ type: "message", ...message("01") });
  expect(s.typing.of("R").users).toEqual([]);
  s.apply({ type: "typing", room: "R", count: 7 });
  expect(s.typing.of("R").count).toBe(7);
});

test("who reads one room is not told of another", () => {
  const s = new Store();
  s.apply(ready({ rooms: [room(), room({ id: "S" })] }));
  let told = 0;
  const end = effect(() => {
    s.rooms.get("R");
    told++;
  });
  s.apply({ type: "message", ...message("01", { room: "S" }) });
  expect(told).toBe(1);
  s.apply({ type: "message", ...message("02") });
  expect(told).toBe(2);
  end();
});

test("signing out leaves nothing of it", () => {
  const s = storeWithRoom();
  s.drafts.set("R", "secret");
  s.setQuote(message("01"));
  s.apply({ type: "typing", room: "R", user: "OTHER" });
  s.signedOut();
  expect([s.me.value, s.rooms.joined.value, s.drafts.get("R"), s.quotes.keys, s.people.users.keys]).toEqual([null, [], "", [], []]);
  expect(vi.getTimerCount()).toBe(0);
});
