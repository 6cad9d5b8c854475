// What opens the parts that are loaded when a person asks for them.

import type { Chat } from "../chat/chat.ts";
import { reasonOf } from "../chat/reason.ts";
import type { Room } from "../wire/types.ts";
import { openDialog } from "./dialog.tsx";

async function open<P>(chat: Chat, parts: () => Promise<P>, dialog: (parts: P) => preact.VNode): Promise<void> {
  try {
    openDialog(dialog(await parts()));
  } catch (e) {
    chat.report(reasonOf(e)); // offline, and not loaded yet
  }
}

const rooms = () => import("../parts/rooms.tsx");

export const makeRoom = (chat: Chat): void => void open(chat, rooms, ({ MakeRoom }) => <MakeRoom chat={chat} />);
export const browseRooms = (chat: Chat): void => void open(chat, rooms, ({ BrowseRooms }) => <BrowseRooms chat={chat} />);
export const messageSomeone = (chat: Chat): void => void open(chat, rooms, ({ MessageSomeone }) => <MessageSomeone chat={chat} />);
export const addSomeone = (chat: Chat, room: Room): void => void open(chat, rooms, ({ AddSomeone }) => <AddSomeone chat={chat} room={room} />);

export const chooseEmoji = (chat: Chat, choose: (emoji: string) => void): void =>
  void open(chat, () => import("../parts/emoji.tsx"), ({ EmojiPicker }) => <EmojiPicker choose={choose} />);

export const settings = (chat: Chat): void => void open(chat, () => import("../parts/settings.tsx"), ({ Settings }) => <Settings chat={chat} />);

export const roomSettings = (chat: Chat, room: string): void =>
  void open(chat, () => import("../parts/roomsettings.tsx"), ({ RoomSettings }) => <RoomSettings chat={chat} id={room} />);

export const jumpToDate = (chat: Chat, room: string, goTo: (id: string) => void): void =>
  void open(chat, () => import("../parts/jumptodate.tsx"), ({ JumpToDate }) => <JumpToDate room={room} goTo={goTo} />);
