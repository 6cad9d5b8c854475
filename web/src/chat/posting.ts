// What the user says, and does with what was said.

import type { KeptPost } from "../keep/shape.ts";
import { Outbox, type Post, type Refusal } from "../store/outbox.ts";
import type { Store } from "../store/store.ts";
import { api } from "../wire/api.ts";
import type { Connection } from "../wire/connection.ts";
import { ServerError } from "../wire/errors.ts";
import type { Ack, Message } from "../wire/types.ts";

const typingEvery = 3000;
const dayMs = 86_400_000;
const nonceHolds = dayMs - 3_600_000; // the server knows a nonce for a day

/** Where posts are that have to outlive the page. */
export interface PostBox {
  putPost(p: KeptPost): void;
  dropPost(nonce: string): void;
}
const mayPass = new Set(["rate_limited", "unavailable", "not_caught_up"]);

export class Posting {
  private readonly outbox: Outbox;
  private lastTyped = 0;
  private lastSeq = 0;
  private readonly kept = new Map<string, KeptPost>(); // by nonce: what waits, or has failed
  box: PostBox | null = null;
  /** Is told of what is thrown away here. */
  gone: (nonce: string) => void = () => undefined;

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
      failed: (p, reason) => this.failed(p, reason),
    });
  }

  clear(): void {
    this.outbox.clear();
    this.kept.clear();
  }

  resend(): void {
    this.outbox.resend();
  }

  post(room: string, body: string, replyTo?: string): void {
    const nonce = newNonce();
    const message = { id: "", room, user: this.store.myId, body, at: new Date().toISOString(), nonce };
    this.store.timeline(room).addPost(replyTo ? { ...message, reply_to: replyTo } : message);
    this.lastTyped = 0;
    const p: Post = { room, body, nonce, ...(replyTo ? { replyTo } : {}) };
    this.hold({ ...p, at: message.at, seq: this.nextSeq() });
    this.outbox.add(p);
  }

  /** Times, but never twice the same. */
  private nextSeq(): number {
    this.lastSeq = Math.max(this.lastSeq + 1, Date.now());
    return this.lastSeq;
  }

  private hold(p: KeptPost): void {
    this.kept.set(p.nonce, p);
    this.box?.putPost(p);
  }

  private letGo(nonce: string): void {
    if (this.kept.delete(nonce)) this.box?.dropPost(nonce);
  }

  /** Posts that an earlier page left, in the order in which they were written. */
  restore(posts: KeptPost[]): void {
    for (const kept of posts) {
      const { room, body, nonce, replyTo, at, seq, failed } = kept;
      if (this.kept.has(nonce)) continue;
      this.lastSeq = Math.max(this.lastSeq, seq);
      this.kept.set(nonce, kept);
      const message = { id: "", room, user: this.store.myId, body, at, nonce };
      this.store.timeline(room).addPost(replyTo ? { ...message, reply_to: replyTo } : message);
      const p: Post = { room, body, nonce, ...(replyTo ? { replyTo } : {}) };
      if (failed !== undefined) this.store.timeline(room).setPost(nonce, "failed", failed);
      else if (Date.now() - Date.parse(at) > nonceHolds) this.failed(p, "it has waited for a day, and may have been sent");
      else this.outbox.add(p);
    }
  }

  private failed(p: Post, reason: string): void {
    const kept = this.kept.get(p.nonce);
    if (kept) this.hold({ ...kept, failed: reason });
    this.store.timeline(p.room).setPost(p.nonce, "failed", reason);
  }

  private sent(p: Post, a: Ack): void {
    this.letGo(p.nonce);
    if (a.id && a.at && this.store.rooms.peek(p.room)) this.store.timeline(p.room).confirm(p.nonce, a.id, a.at);
  }

  retry(room: string, nonce: string): void {
    const t = this.store.timeline(room);
    const shown = t.entry(nonce)?.shown.peek();
    if (shown?.state !== "failed") return;
    t.setPost(nonce, "pending");
    const { body, reply_to } = shown.message;
    const p: Post = { room, body, nonce, ...(reply_to ? { replyTo: reply_to } : {}) };
    this.hold({ ...p, at: new Date().toISOString(), seq: this.nextSeq() });
    this.outbox.add(p);
  }

  discard(room: string, nonce: string): void {
    this.outbox.discard(nonce);
    this.letGo(nonce);
    this.store.timeline(room).removePost(nonce);
    this.gone(nonce);
  }

  /** Another tab has thrown a post away that this one had from the keep, too. */
  discarded(nonce: string): void {
    const kept = this.kept.get(nonce);
    if (!kept) return;
    this.kept.delete(nonce);
    this.outbox.discard(nonce);
    this.store.timeline(kept.room).removePost(nonce);
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
