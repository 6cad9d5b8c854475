// How a row looks beside the one before it.

import type { Entry } from "../store/entry.ts";
import { dayKey } from "../text/time.ts";
import type { Message } from "../wire/types.ts";

const groupedFor = 5 * 60_000;

export interface Setting {
  head: boolean;
  day: boolean;
  fresh: boolean;
}

/** readUpTo: the last message that was read when the room was opened, "" when there was nothing unread. */
export function settingOf(entry: Entry, before: Entry | undefined, me: string, readUpTo: string): Setting {
  const m = entry.shown.peek().message;
  const b = before?.shown.peek().message;
  const day = !b || dayKey(b.at) !== dayKey(m.at);
  const unread = (x: Message | undefined): boolean => x !== undefined && x.id > readUpTo;
  const fresh = readUpTo !== "" && m.user !== me && unread(m) && !unread(b);
  const near = b !== undefined && Date.parse(m.at) - Date.parse(b.at) < groupedFor;
  return { day, fresh, head: day || fresh || b?.user !== m.user || !near || m.reply_to !== undefined };
}
