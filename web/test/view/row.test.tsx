// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Chat } from "../../src/chat/chat.ts";
import { drawn } from "../../src/view/counters.ts";
import { at, me, message } from "../make.ts";
import { draw } from "./draw.tsx";

let chat: Chat;
let root: HTMLElement;

const rows = (): string[] => [...root.querySelectorAll("[data-testid=message]")].map((r) => r.querySelector("[data-testid=body]")?.textContent ?? "gone");

beforeEach(async () => {
  ({ chat, root } = await draw(["01", "02", "03"], (c) => c.store.people.setMembers("R", [{ ...me, room_role: "owner" }, { id: "OTHER", username: "bob", display_name: "Bob", role: "user", bot: false, room_role: "member" }])));
});

afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
});

/** How many rows something draws. */
async function draws(what: () => void): Promise<number> {
  const before = drawn.rows;
  await act(what);
  return drawn.rows - before;
}

test("a page stands in the list, in order", () => {
  expect(rows()).toEqual(["body of 01", "body of 02", "body of 03"]);
});

test("a new message draws one row", async () => {
  expect(await draws(() => chat.notice({ type: "message", ...message("04") }))).toBe(1);
  expect(rows()).toHaveLength(4);
});

test("a first message draws one row", async () => {
  await act(() => chat.notice({ type: "message_deleted", room: "R", id: "01", duplicate: true }));
  await act(() => chat.notice({ type: "message_deleted", room: "R", id: "02", duplicate: true }));
  await act(() => chat.notice({ type: "message_deleted", room: "R", id: "03", duplicate: true }));
  expect(rows()).toEqual([]);
  expect(await draws(() => chat.notice({ type: "message", ...message("04") }))).toBe(1);
  expect(rows()).toEqual(["body of 04"]);
});

test("an edit, a reaction and a deletion draw one row each", async () => {
  expect(await draws(() => chat.notice({ type: "message_edited", room: "R", id: "02", user: "OTHER", body: "other", edited_at: at }))).toBe(1);
  expect(rows()[1]).toBe("other");
  expect(await draws(() => chat.notice({ type: "reaction", room: "R", id: "02", user: "OTHER", emoji: "👍", count: 1 }))).toBe(1);
  expect(await draws(() => chat.notice({ type: "message_deleted", room: "R", id: "02" }))).toBe(1);
  expect(rows()[1]).toBe("gone");
});

test("typing, presence, reading, and messages elsewhere draw none", async () => {
  expect(await draws(() => chat.notice({ type: "typing", room: "R", user: "OTHER" }))).toBe(0);
  expect(root.querySelector("[data-testid=typing]")?.textContent).toBe("Bob is typing…");
  expect(await draws(() => chat.notice({ type: "presence", user: "OTHER", status: "away" }))).toBe(0);
  expect(await draws(() => chat.notice({ type: "read", room: "R", user: me.id, id: "03" }))).toBe(0);
  expect(await draws(() => chat.notice({ type: "message", ...message("05", { room: "S" }) }))).toBe(0);
});

test("an own post is drawn when it is written and when it is stored, in the same row", async () => {
  expect(await draws(() => chat.posting.post("R", "*mine*"))).toBe(1);
  const row = root.querySelector("[data-testid=message]:last-child");
  expect(row?.getAttribute("data-state")).toBe("pending");
  const nonce = row?.getAttribute("data-key") ?? "";
  expect(await draws(() => chat.notice({ type: "message", ...message("04", { user: me.id, body: "*mine*", nonce }) }))).toBe(1);
  expect(root.querySelector("[data-testid=message]:last-child")).toBe(row);
  expect(row?.getAttribute("data-state")).toBe("sent");
  expect(row?.querySelector("[data-testid=body] em")?.textContent).toBe("mine");
});

test("a new name draws the rows that show it", async () => {
  const renamed = { id: "OTHER", username: "bob", display_name: "Robert", role: "user", bot: false };
  expect(await draws(() => chat.notice({ type: "user_updated", ...renamed }))).toBe(3);
  expect(root.querySelector(".meta strong")?.textContent).toBe("Robert");
});
