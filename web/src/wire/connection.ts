// The one WebSocket: opened, kept alive, and resumed from its cursor.

import { backoff } from "./backoff.ts";
import { json, type Codec, type Received } from "./codec.ts";
import { OfflineError, ServerError } from "./errors.ts";
import type { Ack, Frame, Notice, Ready } from "./types.ts";

/** offline: nothing wanted. waiting: lost, the next try has its time. */
export type State = "offline" | "connecting" | "online" | "waiting";

export interface Listener {
  notice(n: Notice): void;
  state(s: State): void;
  /** The server closed for good: there will be no further try. */
  ended(code: number, reason: string): void;
  /** A try failed before it was ready: the session may have ended. */
  refused(): void;
}

interface Waiter {
  resolve(a: Ack): void;
  reject(e: Error): void;
}

const final = new Set([4001, 4002, 4009]);

export class Connection {
  private socket: WebSocket | null = null;
  private cursor = "";
  private ref = 0;
  private readonly waiters = new Map<number, Waiter>();
  private attempt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined; // of the next try, or of the silence that ends this one
  private silence = { interval: 25_000, timeout: 20_000 };
  private current: State = "offline";

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
    private readonly codec: Codec = json,
  ) {}

  /** Begins, after all that a cursor stands for. */
  start(cursor = ""): void {
    if (this.current !== "offline") return; // begun already
    this.cursor = cursor;
    this.open();
  }

  /** What has been told is all up to here; "" when nothing has. */
  get position(): string {
    return this.cursor;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.drop(1000);
    this.cursor = "";
    this.attempt = 0;
    this.become("offline");
  }

  /** Tries again now instead of later. */
  hurry(): void {
    if (this.current !== "waiting") return;
    clearTimeout(this.timer);
    this.open();
  }

  /** Sends a frame and answers with its ack. Rejects with ServerError, or with OfflineError if it may not have arrived. */
  request(frame: Frame): Promise<Ack> {
    return new Promise((resolve, reject) => {
      if (this.current !== "online") {
        reject(new OfflineError());
        return;
      }
      const ref = ++this.ref;
      this.waiters.set(ref, { resolve, reject });
      this.write({ ...frame, ref });
    });
  }

  /** Sends what may be lost. */
  send(frame: Frame): void {
    if (this.current === "online") this.write(frame);
  }

  private write(frame: object): void {
    this.socket?.send(this.codec.encode(frame));
  }

  private become(s: State): void {
    if (s === this.current) return;
    this.current = s;
    this.listener.state(s);
  }

  private open(): void {
    this.become("connecting");
    const socket = new WebSocket(this.url, [this.codec.subprotocol]);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => this.write(this.cursor ? { type: "hello", cursor: this.cursor } : { type: "hello" });
    socket.onmessage = (e) => this.received(this.codec.decode(e.data));
    socket.onclose = (e) => this.closed(e.code, e.reason);
    this.expect(this.silence.timeout, () => this.lost());
  }

  /** Any frame is a sign of life. After a silence we ask, and then wait no longer than timeout. */
  private alive(): void {
    this.expect(this.silence.interval, () => {
      this.write({ type: "ping" });
      this.expect(this.silence.timeout, () => this.lost());
    });
  }

  private expect(ms: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, ms);
  }

  private received(frame: Received): void {
    this.alive();
    switch (frame.type) {
      case "pong":
        return;
      case "ack":
        this.take(frame.ref)?.resolve(frame);
        return;
      case "error":
        this.take(frame.ref)?.reject(new ServerError(frame.code, frame.message, frame.retry_after_ms));
        return;
      case "ready":
        return this.ready(frame);
      case "checkpoint":
        this.cursor = frame.cursor;
    }
    this.listener.notice(frame);
  }

  private ready(frame: Ready): void {
    this.attempt = 0;
    this.cursor = frame.cursor;
    this.silence = { interval: frame.heartbeat.interval_ms, timeout: frame.heartbeat.timeout_ms };
    this.alive();
    this.listener.notice(frame);
    this.become("online");
  }

  private take(ref: number | undefined): Waiter | undefined {
    if (ref === undefined) return undefined;
    const w = this.waiters.get(ref);
    this.waiters.delete(ref);
    return w;
  }

  private lost(): void {
    this.drop(4000);
    this.closed(1006, "");
  }

  /** Forgets the socket, whose own close event may take minutes on a dead network. */
  private drop(code: number): void {
    const s = this.socket;
    this.socket = null;
    if (s) {
      s.onopen = s.onmessage = s.onclose = null;
      s.close(code);
    }
    const waiting = [...this.waiters.values()];
    this.waiters.clear();
    for (const w of waiting) w.reject(new OfflineError());
  }

  private closed(code: number, reason: string): void {
    const wasReady = this.current === "online";
    clearTimeout(this.timer);
    this.drop(1000);
    if (final.has(code)) {
      this.become("offline");
      this.listener.ended(code, reason);
      return;
    }
    this.become("waiting");
    this.timer = setTimeout(() => this.open(), backoff(this.attempt++));
    if (!wasReady) this.listener.refused();
  }
}
