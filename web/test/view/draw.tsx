// The page of one person in a room, drawn into a document.

import { render } from "preact";
import { act } from "preact/test-utils";
import { vi } from "vitest";
import { Chat } from "../../src/chat/chat.ts";
import { App } from "../../src/view/app.tsx";
import { route } from "../../src/view/route.ts";
import { me, page, ready, room } from "../make.ts";

export interface Drawn {
  chat: Chat;
  root: HTMLElement;
}

/** Shows a room with some messages; furnish is called before the first drawing. */
export async function draw(ids: string[], furnish: (chat: Chat) => void = () => undefined): Promise<Drawn> {
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  vi.stubGlobal("WebSocket", class { send() {} close() {} });
  const chat = new Chat("ws://x", () => undefined);
  const root = document.createElement("div");
  document.body.append(root);
  route.value = { kind: "room", room: "R", message: "" };
  await act(() => {
    chat.store.signedIn(me);
    chat.phase.value = "in";
    chat.notice(ready({ rooms: [room({ name: "general" })] }));
    furnish(chat);
    render(<App chat={chat} />, root);
  });
  await act(() => chat.store.timeline("R").addNewest(page(ids)));
  return { chat, root };
}
