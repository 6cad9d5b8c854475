import assert from "node:assert/strict";
import { test } from "node:test";
import { react, Timeline } from "../src/timeline.ts";
import { at, me, message } from "./make.ts";

const keys = (t: Timeline): string[] => t.all.map((r) => r.key);
const post = (nonce: string) => ({ ...message("", { user: me.id }), nonce });

test("messages stand in order of their ids, however they come", () => {
  const t = new Timeline(me.id);
  t.addMessage(message("03"));
  t.addPage({ items: [message("01"), message("02")], prev: null, next: null });
  t.addMessage(message("03"));
  assert.deepEqual(keys(t), ["01", "02", "03"]);
});

test("unsent posts come last, as they were written, and an echo replaces its row", () => {
  const t = new Timeline(me.id);
  t.addPost(post("n1"));
  t.addPost(post("n2"));
  t.addMessage(message("09"));
  assert.deepEqual(keys(t), ["09", "n1", "n2"]);
  t.addMessage({ ...post("n2"), id: "10" });
  assert.deepEqual(keys(t), ["09", "n2", "n1"]);
  assert.equal(t.row("n2")?.state, "sent");
  assert.equal(t.byId("10")?.key, "n2");
});

test("ack before echo, and echo before ack, make one row", () => {
  for (const echoFirst of [true, false]) {
    const t = new Timeline(me.id);
    t.addPost(post("n1"));
    const echo = { ...post("n1"), id: "05" };
    if (echoFirst) t.addMessage(echo);
    t.confirm("n1", "05", at);
    if (!echoFirst) t.addMessage(echo);
    assert.deepEqual(keys(t), ["n1"]);
    assert.equal(t.row("n1")?.state, "sent");
  }
});

test("an ack for what a page has brought already leaves one row", () => {
  const t = new Timeline(me.id);
  t.addMessage(message("05", { user: me.id }));
  t.addPost(post("n1"));
  t.confirm("n1", "05", at);
  assert.deepEqual(keys(t), ["05"]);
});

test("somebody else's message with our nonce is not our echo", () => {
  const t = new Timeline(me.id);
  t.addPost(post("n1"));
  t.addMessage(message("05", { nonce: "n1" }));
  assert.deepEqual(keys(t), ["05", "n1"]);
});

test("a reset keeps what is on its way and drops what may have gaps", () => {
  const t = new Timeline(me.id);
  t.addPage({ items: [message("01")], prev: "01", next: null });
  t.addPost(post("n1"));
  t.setPost("n1", "failed", "no");
  t.reset();
  assert.deepEqual(keys(t), ["n1"]);
  assert.equal(t.row("n1")?.error, "no");
  assert.equal(t.loaded, false);
  t.addMessage(message("01"));
  assert.deepEqual(keys(t), ["01", "n1"]);
});

test("a message told again keeps which reactions are ours", () => {
  const t = new Timeline(me.id);
  t.addMessage(message("01", { reactions: [{ emoji: "👍", count: 2, me: true }] }), true);
  t.addMessage(message("01", { reactions: [{ emoji: "👍", count: 3, me: false }] }));
  assert.deepEqual(t.byId("01")?.message.reactions, [{ emoji: "👍", count: 3, me: true }]);
});

test("reactions come, grow and go", () => {
  let m = react(message("01"), "👍", 1, null);
  m = react(m, "👍", 2, true);
  m = react(m, "🎉", 1, null);
  assert.deepEqual(m.reactions, [{ emoji: "👍", count: 2, me: true }, { emoji: "🎉", count: 1, me: false }]);
  m = react(m, "👍", 0, false);
  assert.deepEqual(m.reactions, [{ emoji: "🎉", count: 1, me: false }]);
});
