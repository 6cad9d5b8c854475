// What a start shows before the database answers, which takes longer than all else of it: the rooms and what was in
// view of one of them. In localStorage, which answers at once.
//
// A glance is a copy of a part of what was written to the database, and says of which writing. If the database then
// holds another, what the glance had put into the store is forgotten.

import type { KeptPage, Overview } from "./shape.ts";

const key = "klatch-glance";
const mostMessages = 60;
const mostLength = 200_000; // characters; a glance that is longer is none

export interface Glance extends Omit<Overview, "cursor" | "pages"> {
  user: string;
  page: KeptPage;
}

/** Keeps a glance; of a room that was not shown, or of too much, none. */
export function putGlance(user: string, o: Overview, page: KeptPage | null): void {
  try {
    const text = page ? JSON.stringify(glance(user, o, page)) : "";
    if (text && text.length <= mostLength) localStorage.setItem(key, text);
    else localStorage.removeItem(key);
  } catch {
    // Full, or refused: the database has it.
  }
}

function glance(user: string, o: Overview, page: KeptPage): Glance {
  const messages = page.messages.slice(-mostMessages);
  const from = messages.length < page.messages.length ? messages[0]!.id : page.from;
  const seen = new Set([user, ...messages.flatMap((m) => [m.user, ...(m.mentions ?? [])])]);
  const users = o.users.filter((u) => seen.has(u.id));
  return { user, turn: o.turn, open: o.open, rooms: o.rooms, users, direct: o.direct, page: { room: page.room, from, messages } };
}

/** The glance of a user at a room, or with "" at the one shown last. */
export function glanceAt(user: string, room: string): Glance | null {
  try {
    const g = JSON.parse(localStorage.getItem(key) ?? "null") as Glance | null;
    return g?.user === user && (!room || room === g.page.room) ? g : null;
  } catch {
    return null;
  }
}

export function dropGlance(): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // Then there was none.
  }
}
