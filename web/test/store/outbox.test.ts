import { expect, test } from "vitest";
import { mostWaiting, Outbox, type Refusal } from "../../src/store/outbox.ts";
import type { Ack, Frame } from "../../src/wire/types.ts";

const offline: Refusal = { kind: "offline" };

/** An outbox on a server that answers as it is told. */
function make() {
  const sent: string[] = [];
  const log: string[] = [];
  const timers: (() => void)[] = [];
  const server: { refuse: Refusal | null; hold: Promise<void> | null } = { refuse: null, hold: null };
  const ways = {
    request: async (f: Frame): Promise<Ack> => {
      sent.push(f.type === "post" ? f.nonce : f.type);
      await server.hold;
      if (server.refuse) throw server.refuse;
      return { id: "01", at: "now" };
    },
    judge: (e: unknown) => e as Refusal,
    later: (f: () => void) => void timers.push(f),
  };
  const events = {
    sent: (p: { nonce: string }) => void log.push(`sent ${p.nonce}`),
    failed: (p: { nonce: string }, why: string) => void log.push(`failed ${p.nonce}: ${why}`),
  };
  return { outbox: new Outbox(ways, events), sent, log, timers, server };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};
const post = (nonce: string, room = "R") => ({ room, body: "b", nonce });

test("what was not acknowledged goes again, in order, with its nonce (I7)", async () => {
  const o = make();
  o.server.refuse = offline;
  for (const n of ["n1", "n2", "n3"]) o.outbox.add(post(n));
  await settle();
  expect(o.log).toEqual([]);
  o.server.refuse = null;
  o.outbox.resend();
  o.outbox.resend();
  await settle();
  expect(o.log).toEqual(["sent n1", "sent n2", "sent n3"]);
  o.outbox.resend();
  await settle();
  expect(o.sent.filter((n) => n === "n2")).toHaveLength(1);
});

test("a post waits for those before it in its room, not for other rooms", async () => {
  const o = make();
  let free = (): void => undefined;
  o.server.hold = new Promise((done) => (free = done));
  o.outbox.add(post("n1"));
  o.outbox.add(post("n2"));
  o.outbox.add(post("m1", "S"));
  await settle();
  expect(o.sent).toEqual(["n1", "m1"]);
  free();
  await settle();
  expect(o.sent).toEqual(["n1", "m1", "n2"]);
});

test("too fast waits; a refusal fails and lets the next go", async () => {
  const o = make();
  o.server.refuse = { kind: "later", ms: 100 };
  o.outbox.add(post("n1"));
  await settle();
  expect(o.timers).toHaveLength(1);
  o.server.refuse = { kind: "never", reason: "not yours" };
  o.outbox.add(post("n2"));
  await settle();
  o.timers[0]?.();
  await settle();
  expect(o.log).toEqual(["failed n1: not yours", "failed n2: not yours"]);
  o.outbox.resend();
  await settle();
  expect(o.sent).toHaveLength(3);
});

test("what is discarded or cleared is not sent", async () => {
  const o = make();
  o.server.refuse = offline;
  for (const n of ["n1", "n2"]) o.outbox.add(post(n));
  await settle();
  o.outbox.discard("n1");
  o.server.refuse = null;
  o.outbox.resend();
  await settle();
  expect(o.log).toEqual(["sent n2"]);
  o.server.refuse = offline;
  o.outbox.add(post("n3"));
  await settle();
  o.outbox.clear();
  o.server.refuse = null;
  o.outbox.resend();
  await settle();
  expect(o.log).toEqual(["sent n2"]);
});

test("the outbox is bounded: one too many fails at once", async () => {
  const o = make();
  o.server.refuse = offline;
  for (let i = 0; i <= mostWaiting; i++) o.outbox.add(post(`n${i}`));
  await settle();
  expect(o.log).toEqual([`failed n${mostWaiting}: too many messages are waiting`]);
});
