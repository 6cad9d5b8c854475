import assert from "node:assert/strict";
import { test } from "node:test";
import { Store, unreadLimit } from "../src/store.ts";
import { at, me, message, ready, room, storeWithRoom } from "./make.ts";

test("a message counts once, if it is news", () => {
  const s = storeWithRoom({ last: { id: "05", at }, unread: 1, last_read: "04" });
  s.apply({ type: "message", ...message("05") }); // replayed: counted by the server
  s.apply({ type: "message", ...message("06") });
  s.apply({ type: "message", ...message("06") });
  s.apply({ type: "message", ...message("07", { user: me.id }) });
  s.apply({ type: "message", ...message("08", { mentions: [me.id] }) });
  assert.deepEqual([s.rooms.get("R")?.unread, s.rooms.get("R")?.mentions], [3, 1]);
  s.apply({ type: "read", room: "R", user: me.id, id: "08" });
  assert.deepEqual([s.rooms.get("R")?.unread, s.rooms.get("R")?.mentions], [0, 0]);
});

test("a marker that is not at the end leaves what is after it unread", () => {
  const s = storeWithRoom();
  s.apply({ type: "message", ...message("01") });
  s.apply({ type: "message", ...message("02") });
  s.apply({ type: "read", room: "R", user: me.id, id: "01" });
  assert.deepEqual([s.rooms.get("R")?.unread, s.rooms.get("R")?.last_read], [2, "01"]);
  s.apply({ type: "read", room: "R", user: me.id, id: "02" });
  assert.equal(s.rooms.get("R")?.unread, 0);
});

test("unread stops at the limit", () => {
  const s = storeWithRoom({ last: { id: "1", at }, unread: unreadLimit - 1 });
  for (let i = 0; i < 5; i++) s.apply({ type: "message", ...message(`2${i}`) });
  assert.equal(s.rooms.get("R")?.unread, unreadLimit);
});

test("edits, deletions, reactions and duplicates change the row", () => {
  const s = storeWithRoom();
  const t = s.timeline("R");
  s.apply({ type: "message", ...message("01") });
  s.apply({ type: "message", ...message("02") });
  s.apply({ type: "reaction", room: "R", id: "01", user: me.id, emoji: "👍", count: 1 });
  assert.deepEqual(t.byId("01")?.message.reactions, [{ emoji: "👍", count: 1, me: true }]);
  s.apply({ type: "message_edited", room: "R", id: "01", user: "OTHER", body: "new", edited_at: at });
  assert.equal(t.byId("01")?.message.body, "new");
  s.apply({ type: "message_deleted", room: "R", id: "01" });
  assert.deepEqual([t.byId("01")?.message.body, t.byId("01")?.message.deleted], ["", true]);
  assert.equal(t.byId("01")?.message.reactions, undefined);
  s.apply({ type: "message_deleted", room: "R", id: "02", duplicate: true });
  assert.equal(t.byId("02"), undefined);
});

test("a resumed session goes on; one that is not begins its pages anew", () => {
  const s = storeWithRoom();
  const t = s.timeline("R");
  t.addPage({ items: [message("01")], prev: null, next: null });
  s.apply(ready({ resumed: true }));
  assert.ok(t.loaded && t.byId("01"));
  s.apply(ready({ resumed: false }));
  assert.equal(t.loaded, false);
  t.addPage({ items: [message("01")], prev: null, next: null });
  s.apply({ type: "reset", reason: "too old" });
  assert.equal(t.loaded, false);
});

test("rooms that went while we were away are gone", () => {
  const s = new Store();
  s.apply(ready({ rooms: [room(), room({ id: "S", name: "second" })] }));
  s.timeline("S");
  s.apply(ready({ resumed: true, rooms: [room()] }));
  assert.deepEqual([...s.rooms.keys()], ["R"]);
  assert.equal(s.timelines.has("S"), false);
});

test("leaving by another window removes the room; others leaving does not", () => {
  const s = storeWithRoom();
  s.setMembers("R", [{ ...me, room_role: "owner" }, { ...me, id: "OTHER", room_role: "member" }]);
  s.apply({ type: "member_left", room: "R", user: "OTHER" });
  assert.deepEqual(s.members.get("R")?.map((m) => m.id), [me.id]);
  s.apply({ type: "member_left", room: "R", user: me.id });
  assert.equal(s.rooms.size, 0);
});

test("typing ends by itself, or with the message", () => {
  let now = 0;
  const s = new Store(() => now);
  s.apply(ready());
  s.apply({ type: "typing", room: "R", user: "OTHER" });
  assert.deepEqual(s.typing("R").users, ["OTHER"]);
  now = 6000;
  assert.deepEqual(s.typing("R").users, []);
  s.apply({ type: "typing", room: "R", user: "OTHER" });
  s.apply({ type: "message", ...message("01") });
  assert.deepEqual(s.typing("R").users, []);
});

test("changes of one turn are told once", async () => {
  const s = storeWithRoom();
  await Promise.resolve();
  const told: string[][] = [];
  s.subscribe((topics) => told.push([...topics].sort()));
  s.apply({ type: "message", ...message("01") });
  s.apply({ type: "message", ...message("02") });
  await Promise.resolve();
  assert.deepEqual(told, [["messages", "rooms", "typing"]]);
});
