// Tells of mentions and direct messages while nobody looks at the page.

import type { Chat } from "../chat/chat.ts";
import { plain } from "../text/markdown.ts";
import type { Message } from "../wire/types.ts";
import { words } from "../words/words.ts";
import { notifying, notifyingText } from "./preferences.ts";
import { goTo, roomHref } from "./route.ts";

const newsFor = 5 * 60_000; // what is older was missed, and is seen by its badge

/** Whether somebody has to be told of a message. */
export function isCall(chat: Chat, m: Message, now = Date.now()): boolean {
  const { store } = chat;
  if (m.user === store.myId || m.deleted || now - Date.parse(m.at) > newsFor) return false;
  const named = m.everyone || m.mentions?.includes(store.myId);
  return Boolean(named || store.rooms.peek(m.room)?.direct);
}

export function notifyOf(chat: Chat, m: Message): void {
  if (notifying.peek() !== "on" || !("Notification" in window) || Notification.permission !== "granted") return;
  if ((document.visibilityState === "visible" && document.hasFocus()) || !isCall(chat, m)) return;
  show(chat, m);
}

function show(chat: Chat, m: Message): void {
  const r = chat.store.rooms.peek(m.room);
  const u = chat.store.people.users.peek(m.user);
  const who = u ? u.display_name || u.username : words.name;
  const title = r && !r.direct ? `${who} · ${r.name}` : who;
  const body = notifyingText.peek() === "on" ? plain(m.body) : r?.direct ? words.newDirect : words.newMention;
  try {
    // The tag makes one notification of those that several tabs show of one message.
    const n = new Notification(title, { body, tag: m.id });
    n.onclick = () => {
      window.focus();
      goTo(roomHref(m.room));
      n.close();
    };
  } catch {
    // Phones let only service workers notify.
  }
}
