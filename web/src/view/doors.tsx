// What opens the parts that are loaded when a person asks for them.

import type { Chat } from "../chat/chat.ts";
import { reasonOf } from "../chat/reason.ts";
import type { Room } from "../wire/types.ts";
import { openDialog } from "./dialog.tsx";

type Parts = typeof import("../parts/rooms.tsx");

async function open(chat: Chat, dialog: (parts: Parts) => preact.VNode): Promise<void> {
  try {
    openDialog(dialog(await import("../parts/rooms.tsx")));
  } catch (e) {
    chat.report(reasonOf(e)); // offline, and not loaded yet
  }
}

export const makeRoom = (chat: Chat): void => void open(chat, ({ MakeRoom }) => <MakeRoom chat={chat} />);
export const browseRooms = (chat: Chat): void => void open(chat, ({ BrowseRooms }) => <BrowseRooms chat={chat} />);
export const messageSomeone = (chat: Chat): void => void open(chat, ({ MessageSomeone }) => <MessageSomeone chat={chat} />);
export const addSomeone = (chat: Chat, room: Room): void => void open(chat, ({ AddSomeone }) => <AddSomeone chat={chat} room={room} />);
