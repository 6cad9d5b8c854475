// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { Chat } from "../../src/chat/chat.ts";
import { isCall } from "../../src/view/notifier.ts";
import { at, me, message, ready, room } from "../make.ts";

test("mentions and direct messages of others call, and only while they are new", () => {
  const chat = new Chat("ws://x", () => undefined);
  chat.store.apply(ready({ rooms: [room(), room({ id: "D", direct: true })] }));
  const now = Date.parse(at) + 1000;
  expect(isCall(chat, message("1"), now)).toBe(false);
  expect(isCall(chat, message("1", { mentions: [me.id] }), now)).toBe(true);
  expect(isCall(chat, message("1", { everyone: true }), now)).toBe(true);
  expect(isCall(chat, message("1", { room: "D" }), now)).toBe(true);
  expect(isCall(chat, message("1", { room: "D", user: me.id }), now)).toBe(false);
  expect(isCall(chat, message("1", { room: "D" }), now + 3_600_000)).toBe(false);
});
