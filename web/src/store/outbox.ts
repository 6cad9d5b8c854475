// Posts on their way, in the order they were written. Each has a nonce, so that sending it again after a lost
// connection makes no second message. A post waits until those of its room before it are stored or refused.

import type { Ack, Frame } from "../wire/types.ts";

export interface Post {
  room: string;
  body: string;
  nonce: string;
  replyTo?: string;
}

export type Refusal = { kind: "offline" } | { kind: "later"; ms: number } | { kind: "never"; reason: string };

export interface OutboxEvents {
  sent(p: Post, a: Ack): void;
  failed(p: Post, reason: string): void;
}

export interface OutboxWays {
  request(f: Frame): Promise<Ack>;
  /** What an error of request means. */
  judge(e: unknown): Refusal;
  later(f: () => void, ms: number): void;
}

export const mostWaiting = 500;

export class Outbox {
  private readonly posts = new Map<string, Post>();
  private readonly sending = new Map<string, string>(); // room to the nonce that is on its way

  constructor(
    private readonly ways: OutboxWays,
    private readonly events: OutboxEvents,
  ) {}

  add(p: Post): void {
    if (this.posts.size >= mostWaiting) {
      this.events.failed(p, "too many messages are waiting");
      return;
    }
    this.posts.set(p.nonce, p);
    void this.advance(p.room);
  }

  discard(nonce: string): void {
    this.posts.delete(nonce);
  }

  clear(): void {
    this.posts.clear();
    this.sending.clear();
  }

  /** The connection is back: whatever was not acknowledged goes again. */
  resend(): void {
    for (const room of new Set([...this.posts.values()].map((p) => p.room))) void this.advance(room);
  }

  /** Sends what is first in a room, until none is left or one has to wait. */
  private async advance(room: string): Promise<void> {
    if (this.sending.has(room)) return;
    for (;;) {
      const p = [...this.posts.values()].find((x) => x.room === room);
      if (!p) return;
      this.sending.set(room, p.nonce);
      const again = await this.send(p);
      if (this.sending.get(room) !== p.nonce) return; // cleared meanwhile
      this.sending.delete(room);
      if (!again) return;
    }
  }

  /** Tells whether the next one may go. */
  private async send(p: Post): Promise<boolean> {
    const frame: Frame = { type: "post", room: p.room, body: p.body, nonce: p.nonce };
    try {
      const ack = await this.ways.request(p.replyTo ? { ...frame, reply_to: p.replyTo } : frame);
      this.posts.delete(p.nonce);
      this.events.sent(p, ack);
      return true;
    } catch (e) {
      return this.refused(p, this.ways.judge(e));
    }
  }

  private refused(p: Post, why: Refusal): boolean {
    if (why.kind === "offline") return false; // resend will come
    if (why.kind === "later") {
      this.ways.later(() => void this.advance(p.room), why.ms);
      return false;
    }
    const waited = this.posts.delete(p.nonce);
    if (waited) this.events.failed(p, why.reason);
    return true;
  }
}
