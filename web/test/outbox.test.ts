import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff } from "../src/backoff.ts";
import { Outbox } from "../src/outbox.ts";
import { OfflineError, ServerError, type Ack, type Frame } from "../src/types.ts";

/** An outbox on a server that answers as it is told. */
function make() {
  const sent: Frame[] = [];
  const log: string[] = [];
  const timers: (() => void)[] = [];
  const server = { answer: (): Ack => ({ id: "01", at: "now" }) };
  const request = async (f: Frame): Promise<Ack> => {
    sent.push(f);
    return server.answer();
  };
  const events = {
    sent: (p: { nonce: string }) => void log.push(`sent ${p.nonce}`),
    failed: (p: { nonce: string }, why: string) => void log.push(`failed ${p.nonce}: ${why}`),
  };
  return { outbox: new Outbox(request, events, (f) => timers.push(f)), sent, log, timers, server };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};
const post = (nonce: string) => ({ room: "R", body: "b", nonce });
const fail = (e: Error) => (): Ack => {
  throw e;
};

test("what was not acknowledged goes again, in order, with its nonce", async () => {
  const o = make();
  o.server.answer = fail(new OfflineError());
  o.outbox.add(post("n1"));
  o.outbox.add(post("n2"));
  await settle();
  assert.deepEqual(o.log, []);
  o.server.answer = () => ({ id: "01", at: "now" });
  o.outbox.resend();
  await settle();
  assert.deepEqual(o.log, ["sent n1", "sent n2"]);
  o.outbox.resend();
  await settle();
  assert.deepEqual(o.sent.map((f) => "nonce" in f && f.nonce), ["n1", "n2", "n1", "n2"]);
});

test("too fast waits; a refusal fails", async () => {
  const o = make();
  o.server.answer = fail(new ServerError("rate_limited", "slower", 100));
  o.outbox.add(post("n1"));
  await settle();
  assert.equal(o.timers.length, 1);
  o.server.answer = fail(new ServerError("forbidden", "not yours"));
  o.timers[0]?.();
  await settle();
  assert.deepEqual(o.log, ["failed n1: not yours"]);
  o.outbox.resend();
  await settle();
  assert.equal(o.sent.length, 2);
});

test("backoff doubles up to half a minute, half of it jitter", () => {
  assert.deepEqual([0, 1, 2, 10, 99].map((n) => backoff(n, () => 1)), [500, 1000, 2000, 30_000, 30_000]);
  assert.equal(backoff(3, () => 0), 2000);
});
