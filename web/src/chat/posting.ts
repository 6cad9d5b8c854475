// What the user says, and does with what was said.

import { Outbox, type Post, type Refusal } from "../store/outbox.ts";
import type { Store } from "../store/store.ts";
import { api } from "../wire/api.ts";
import type { Connection } from "../wire/connection.ts";
import { ServerError } from "../wire/errors.ts";
import type { Ack, Message } from "../wire/types.ts";

const typingEvery = 3000;
const mayPass = new Set(["rate_limited", "unavailable", "not_caught_up"]);

export class Posting {
  private readonly outbox: Outbox;
  private lastTyped = 0;

  constructor(
    private readonly store: Store,
    private readonly connection: Pick<Connection, "request" | "send">,
  ) {
    const ways = {
      request: this.connection.request.bind(this.connection),
      judge,
      later: (f: () => void, ms: number) => void setTimeout(f, ms),
    };
    this.outbox = new Outbox(ways, {
      sent: (p, a) => this.sent(p, a),
      failed: (p, reason) => this.store.timeline(p.room).setPost(p.nonce, "failed", reason),
    });
  }

  clear(): void {
    this.outbox.clear();
  }

  resend(): void {
    this.outbox.resend();
  }

  post(room: string, body: string, replyTo?: string): void {
    const nonce = newNonce();
    const message = { id: "", room, user: this.store.myId, body, at: new Date().toISOString(), nonce };
    this.store.timeline(room).addPost(replyTo ? { ...message, reply_to: replyTo } : message);
    this.lastTyped = 0;
    this.outbox.add({ room, body, nonce, ...(replyTo ? { replyTo } : {}) });
  }

  private sent(p: Post, a: Ack): void {
    if (a.id && a.at && this.store.rooms.peek(p.room)) this.store.timeline(p.room).confirm(p.nonce, a.id, a.at);
  }

  retry(room: string, nonce: string): void {
    const t = this.store.timeline(room);
    const shown = t.entry(nonce)?.shown.peek();
    if (shown?.state !== "failed") return;
    t.setPost(nonce, "pending");
    const { body, reply_to } = shown.message;
    this.outbox.add({ room, body, nonce, ...(reply_to ? { replyTo: reply_to } : {}) });
  }

  discard(room: string, nonce: string): void {
    this.outbox.discard(nonce);
    this.store.timeline(room).removePost(nonce);
  }

  async edit(m: Message, body: string): Promise<void> {
    const now = await api.edit(m.room, m.id, body);
    this.store.messageEdited({ ...now, edited_at: now.edited_at ?? now.at });
  }

  async remove(m: Message): Promise<void> {
    await api.remove(m.room, m.id);
    this.store.messageDeleted(m.room, m.id);
  }

  async react(m: Message, emoji: string): Promise<void> {
    const mine = m.reactions?.some((r) => r.emoji === emoji && r.me) ?? false;
    await api.react(m.room, m.id, emoji, mine);
  }

  typed(room: string): void {
    const now = Date.now();
    if (now - this.lastTyped < typingEvery) return;
    this.lastTyped = now;
    this.connection.send({ type: "typing", room });
  }
}

function judge(e: unknown): Refusal {
  if (!(e instanceof ServerError)) return { kind: "offline" };
  if (mayPass.has(e.code)) return { kind: "later", ms: e.retryAfterMs || 1000 };
  return { kind: "never", reason: e.message };
}

/** crypto.randomUUID exists on https and localhost only; a chat at home may have neither. */
function newNonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
