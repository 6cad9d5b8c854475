// Posts on their way. Each has a nonce, so that sending it again after a lost
// connection makes no second message.

import { ServerError } from "./types.ts";
import type { Ack, Frame } from "./types.ts";

export interface Post {
  room: string;
  body: string;
  nonce: string;
  replyTo?: string;
}

export interface OutboxEvents {
  sent(p: Post, a: Ack): void;
  failed(p: Post, reason: string): void;
}

const mayPass = new Set(["rate_limited", "unavailable", "not_caught_up"]);

export class Outbox {
  private readonly posts = new Map<string, Post>(); // in the order they were written

  constructor(
    private readonly request: (f: Frame) => Promise<Ack>,
    private readonly events: OutboxEvents,
    private readonly later: (f: () => void, ms: number) => void = (f, ms) => void setTimeout(f, ms),
  ) {}

  add(p: Post): void {
    this.posts.set(p.nonce, p);
    void this.send(p);
  }

  discard(nonce: string): void {
    this.posts.delete(nonce);
  }

  clear(): void {
    this.posts.clear();
  }

  /** The connection is back: whatever was not acknowledged goes again. */
  resend(): void {
    for (const p of this.posts.values()) void this.send(p);
  }

  private async send(p: Post): Promise<void> {
    if (!this.posts.has(p.nonce)) return;
    const frame: Frame = { type: "post", room: p.room, body: p.body, nonce: p.nonce };
    try {
      const ack = await this.request(p.replyTo ? { ...frame, reply_to: p.replyTo } : frame);
      this.posts.delete(p.nonce);
      this.events.sent(p, ack);
    } catch (e) {
      if (!(e instanceof ServerError)) return; // not connected: resend will come
      if (mayPass.has(e.code)) {
        this.later(() => void this.send(p), e.retryAfterMs || 1000);
        return;
      }
      this.posts.delete(p.nonce);
      this.events.failed(p, e.message);
    }
  }
}

/** crypto.randomUUID exists on https and localhost only; a chat at home may have neither. */
export function newNonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
