// What was told of messages that are not here yet, kept until they come.

import type { Message } from "../wire/types.ts";
import { react } from "./reactions.ts";

export interface Edit {
  body: string;
  edited_at: string;
  mentions: string[];
  everyone: boolean;
}

interface Told {
  edit?: Edit;
  reactions?: Map<string, { count: number; me: boolean | null }>;
  end?: "deleted" | "removed";
}

const most = 500; // messages; of the one told of longest ago the page's word is taken

export class Early {
  private readonly told = new Map<string, Told>();

  edited(id: string, edit: Edit): void {
    this.of(id).edit = edit;
  }

  reacted(id: string, emoji: string, count: number, me: boolean | null): void {
    const t = this.of(id);
    t.reactions ??= new Map();
    t.reactions.set(emoji, { count, me: me ?? t.reactions.get(emoji)?.me ?? null });
  }

  deleted(id: string): void {
    this.of(id).end ??= "deleted";
  }

  removed(id: string): void {
    this.of(id).end = "removed";
  }

  clear(): void {
    this.told.clear();
  }

  get size(): number {
    return this.told.size;
  }

  /** A message as it is by now; null when it went away altogether. */
  take(m: Message): Message | null {
    const t = this.told.get(m.id);
    if (!t) return m;
    if (t.end === "removed") return null; // kept: it may be told of again
    this.told.delete(m.id);
    if (t.end === "deleted") return deleted(m);
    let now = t.edit ? edited(m, t.edit) : m;
    for (const [emoji, r] of t.reactions ?? []) now = react(now, emoji, r.count, r.me);
    return now;
  }

  private of(id: string): Told {
    const t = this.told.get(id) ?? {};
    this.told.delete(id); // to the end of the line
    this.told.set(id, t);
    if (this.told.size > most) this.told.delete(this.told.keys().next().value!);
    return t;
  }
}

/** A message after an edit, unless it has a newer one. */
export function edited(m: Message, edit: Edit): Message {
  if (m.deleted || (m.edited_at && m.edited_at > edit.edited_at)) return m;
  return { ...m, ...edit };
}

export function deleted(m: Message): Message {
  const { reactions: _, ...rest } = m;
  return { ...rest, body: "", deleted: true };
}
