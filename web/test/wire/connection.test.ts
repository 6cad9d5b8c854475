import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { backoff } from "../../src/wire/backoff.ts";
import { Connection } from "../../src/wire/connection.ts";
import { OfflineError, ServerError } from "../../src/wire/errors.ts";
import { ready } from "../make.ts";

/** The sockets that were opened, and what was sent on them. */
class FakeSocket {
  static all: FakeSocket[] = [];
  static get last(): FakeSocket {
    return FakeSocket.all.at(-1)!;
  }
  readonly sent: Record<string, unknown>[] = [];
  closedWith = 0;
  onopen: (() => void) | null = null;
  onmessage: ((e: { data: string }) => void) | null = null;
  onclose: ((e: { code: number; reason: string }) => void) | null = null;
  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }
  send(data: string): void {
    this.sent.push(JSON.parse(data) as Record<string, unknown>);
  }
  close(code: number): void {
    this.closedWith = code;
  }
  tell(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

let log: string[];
let connection: Connection;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all = [];
  log = [];
  connection = new Connection("ws://x", {
    notice: (n) => void log.push(n.type),
    state: (s) => void log.push(s),
    ended: (code) => void log.push(`ended ${code}`),
    refused: () => void log.push("refused"),
  });
});

afterEach(() => {
  connection.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function goOnline(): void {
  connection.start();
  FakeSocket.last.onopen?.();
  FakeSocket.last.tell(ready({ cursor: "c1" }));
}

test("a lost connection is opened again with the last cursor, and goes on", () => {
  goOnline();
  expect(FakeSocket.last.sent).toEqual([{ type: "hello" }]);
  FakeSocket.last.tell({ type: "checkpoint", cursor: "c2" });
  FakeSocket.last.onclose?.({ code: 1006, reason: "" });
  expect(log.at(-1)).toBe("waiting");
  vi.advanceTimersToNextTimer();
  FakeSocket.last.onopen?.();
  expect(FakeSocket.all).toHaveLength(2);
  expect(FakeSocket.last.sent).toEqual([{ type: "hello", cursor: "c2" }]);
});

test("silence is asked about, and then ends the connection", () => {
  goOnline();
  const socket = FakeSocket.last;
  vi.advanceTimersByTime(25_000);
  expect(socket.sent.at(-1)).toEqual({ type: "ping" });
  socket.tell({ type: "pong" });
  vi.advanceTimersByTime(25_000 + 19_999);
  expect(socket.closedWith).toBe(0);
  vi.advanceTimersByTime(1);
  expect(socket.closedWith).toBe(4000);
  expect(log.at(-1)).toBe("waiting");
});

test("acks and errors answer their requests; a lost connection answers all", async () => {
  goOnline();
  const [a, b, c] = [1, 2, 3].map(() => connection.request({ type: "typing", room: "R" }));
  FakeSocket.last.tell({ type: "error", ref: 2, code: "forbidden", message: "no" });
  FakeSocket.last.tell({ type: "ack", ref: 1, id: "01" });
  const lost = expect(c).rejects.toBeInstanceOf(OfflineError);
  FakeSocket.last.onclose?.({ code: 1001, reason: "" });
  await expect(a).resolves.toMatchObject({ id: "01" });
  await expect(b).rejects.toBeInstanceOf(ServerError);
  await lost;
  await expect(connection.request({ type: "ping" })).rejects.toBeInstanceOf(OfflineError);
});

test.each([4001, 4002, 4009])("close code %i is final", (code) => {
  goOnline();
  FakeSocket.last.onclose?.({ code, reason: "" });
  vi.advanceTimersByTime(120_000);
  expect(log.at(-1)).toBe(`ended ${code}`);
  expect(FakeSocket.all).toHaveLength(1);
});

test("a try that fails before it is ready is told of, and hurrying tries at once", () => {
  connection.start();
  FakeSocket.last.onclose?.({ code: 1006, reason: "" });
  expect(log.slice(-2)).toEqual(["waiting", "refused"]);
  connection.hurry();
  expect(FakeSocket.all).toHaveLength(2);
});

test("backoff doubles up to half a minute, half of it jitter", () => {
  expect([0, 1, 2, 10, 99].map((n) => backoff(n, () => 1))).toEqual([500, 1000, 2000, 30_000, 30_000]);
  expect(backoff(3, () => 0)).toBe(2000);
});
