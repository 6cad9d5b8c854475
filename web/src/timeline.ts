// The messages of one room: an unbroken stretch up to the newest, and the own posts that are still on their way.

import { SortedList } from "./sortedlist.ts";
import type { Message, Page, Reaction } from "./types.ts";

export type RowState = "sent" | "pending" | "failed";

/** A message in the list. Rows are never changed, only replaced, so views compare them by identity. */
export interface Row {
  readonly key: string; // of an own post its nonce, from before the echo until ever after
  readonly state: RowState;
  readonly order: string;
  readonly message: Message; // of an unsent one the id is ""
  readonly error?: string;
}

/** What the server has comes by id; what it does not have yet comes after, as it was written. */
const unsent = "~";

export class Timeline {
  private readonly rows = new SortedList<Row>((r) => r.key, (r) => r.order);
  private readonly keys = new Map<string, string>(); // message id to key
  private posts = 0;
  loaded = false; // the newest page is here
  epoch = 0; // counts resets: a page asked for before one must not be added after it
  prev: string | null = null; // where older pages begin

  constructor(private readonly me: string) {}

  get all(): readonly Row[] {
    return this.rows.all;
  }

  row(key: string): Row | undefined {
    return this.rows.get(key);
  }

  byId(id: string): Row | undefined {
    const key = this.keys.get(id);
    return key === undefined ? undefined : this.rows.get(key);
  }

  /** The newest message that the server has. */
  newest(): Row | undefined {
    return this.rows.all.findLast((r) => r.state === "sent");
  }

  addPage(p: Page): void {
    for (const m of p.items) this.addMessage(m, true);
    this.prev = p.prev;
    this.loaded = true;
  }

  /** Forgets all that came from the server: there may be a gap. */
  reset(): void {
    for (const r of [...this.rows.all]) if (r.state === "sent") this.rows.remove(r.key);
    this.keys.clear();
    this.prev = null;
    this.loaded = false;
    this.epoch++;
  }

  addPost(message: Message & { nonce: string }): void {
    const order = unsent + String(++this.posts).padStart(12, "0");
    this.rows.add({ key: message.nonce, state: "pending", order, message });
  }

  setPost(nonce: string, state: "pending" | "failed", error?: string): void {
    this.rows.update(nonce, (r) => {
      if (r.state === "sent") return r;
      return { key: r.key, order: r.order, message: r.message, state, ...(error === undefined ? {} : { error }) };
    });
  }

  removePost(nonce: string): void {
    if (this.rows.get(nonce)?.state !== "sent") this.rows.remove(nonce);
  }

  /** The ack of a post; its echo may have been here already. */
  confirm(nonce: string, id: string, at: string): void {
    const row = this.rows.get(nonce);
    if (!row || row.state === "sent") return;
    if (this.keys.has(id)) return this.removePost(nonce);
    this.addMessage({ ...row.message, id, at }, false);
  }

  /** ownView: the message was read by this user, so its reactions' me can be believed. */
  addMessage(m: Message, ownView = false): void {
    const old = this.byId(m.id);
    const key = old?.key ?? this.postOf(m) ?? m.id;
    const message = old && !ownView ? { ...m, ...reactionsOf(m, old.message) } : m;
    this.rows.add({ key, state: "sent", order: m.id, message });
    this.keys.set(m.id, key);
  }

  /** The key of the own row that a message is the echo of. */
  private postOf(m: Message): string | undefined {
    if (m.user !== this.me || !m.nonce) return undefined;
    const row = this.rows.get(m.nonce);
    return row && row.state !== "sent" ? m.nonce : undefined;
  }

  change(id: string, change: (m: Message) => Message): void {
    const key = this.keys.get(id);
    if (key !== undefined) this.rows.update(key, (r) => ({ ...r, message: change(r.message) }));
  }

  remove(id: string): void {
    const key = this.keys.get(id);
    if (key === undefined) return;
    this.rows.remove(key);
    this.keys.delete(id);
  }
}

/** Live messages are the same for all readers: which reactions are ours is known from before. */
function reactionsOf(m: Message, old: Message): { reactions?: Reaction[] } {
  if (!m.reactions) return {};
  const mine = new Set(old.reactions?.filter((r) => r.me).map((r) => r.emoji));
  return { reactions: m.reactions.map((r) => ({ ...r, me: mine.has(r.emoji) })) };
}

/** A message's reactions after one user's. */
export function react(m: Message, emoji: string, count: number, me: boolean | null): Message {
  const had = m.reactions ?? [];
  const reactions = had.some((r) => r.emoji === emoji)
    ? had.map((r) => (r.emoji === emoji ? { emoji, count, me: me ?? r.me } : r))
    : [...had, { emoji, count, me: me ?? false }];
  return { ...m, reactions: reactions.filter((r) => r.count > 0) };
}
