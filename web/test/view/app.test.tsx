// @vitest-environment happy-dom
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Chat } from "../../src/chat/chat.ts";
import { words } from "../../src/words/words.ts";
import { me } from "../make.ts";
import { draw } from "./draw.tsx";

const reload = vi.hoisted(() => vi.fn(async () => undefined));
vi.mock("../../src/keep/reload.ts", () => ({ takeNewVersion: reload }));

let chat: Chat;
let root: HTMLElement;

beforeEach(async () => {
  reload.mockClear();
  ({ chat, root } = await draw(["01"]));
});

afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const composer = (): HTMLTextAreaElement => root.querySelector("[data-testid=composer]")!;
const version = (): HTMLElement => root.querySelector("[data-testid=new-version]")!;

/** Effects of signals run a frame later. */
async function tell(text: string): Promise<void> {
  await act(() => chat.store.drafts.tell("R", text));
  await act(() => new Promise<void>((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))));
}

async function type(text: string): Promise<void> {
  await act(() => {
    composer().value = text;
    composer().dispatchEvent(new Event("input", { bubbles: true }));
  });
}

test("a new version is told of, and comes when it is asked for", async () => {
  expect(version().textContent).toBe("");
  await type("half a word");
  await act(() => void (chat.store.newVersion.value = true));
  expect(version().textContent).toContain(words.newVersion);
  expect(reload).not.toHaveBeenCalled();
  const kept = vi.spyOn(chat, "pause");
  await act(() => version().querySelector("button")!.click());
  expect(reload).toHaveBeenCalledTimes(1);
  expect(kept.mock.invocationCallOrder[0]).toBeLessThan(reload.mock.invocationCallOrder[0]!);
});

test("what another tab writes shows in the composer that nobody is in", async () => {
  composer().blur();
  await tell("from elsewhere");
  await expect.poll(() => composer().value).toBe("from elsewhere");
  await tell("");
  await expect.poll(() => composer().value).toBe("");
  expect(chat.store.drafts.get("R")).toBe("");
});

test("where somebody writes nothing is changed under them", async () => {
  vi.spyOn(document, "hasFocus").mockReturnValue(true);
  composer().focus();
  await type("mine");
  await tell("from elsewhere");
  expect(composer().value).toBe("mine");
  await type("mine still");
  expect(chat.store.drafts.get("R")).toBe("mine still");
  await tell("from elsewhere");
  await act(() => composer().blur());
  expect(composer().value).toBe("from elsewhere");
});

test("a window behind another shows what is written in that one", async () => {
  vi.spyOn(document, "hasFocus").mockReturnValue(false);
  composer().focus();
  await tell("in front");
  await expect.poll(() => composer().value).toBe("in front");
});

test("a message that is being changed is left alone", async () => {
  await act(() => chat.notice({ type: "message", id: "02", room: "R", user: me.id, body: "sent", at: "2026-01-02T03:04:05.678Z" }));
  await act(() => void composer().dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true })));
  expect(composer().value).toBe("sent");
  composer().blur();
  await tell("a draft");
  expect(composer().value).toBe("sent");
});
