import { expect, test } from "vitest";
import { Timeline } from "../../src/store/timeline.ts";
import type { Page } from "../../src/wire/types.ts";
import { at, me, message, page } from "../make.ts";

const make = (): Timeline => new Timeline(me.id);
const keys = (t: Timeline): string[] => t.rows.value.map((e) => e.key);
const shown = (t: Timeline, id: string) => t.byId(id)?.shown.value.message;
const post = (nonce: string) => ({ ...message("", { user: me.id }), nonce });
const bodies = (t: Timeline): string[] => t.rows.value.map((e) => e.shown.value.message.body);
const edit = (body: string, edited_at = at) => ({ body, edited_at, mentions: [], everyone: false });

test("messages stand in order of their ids, however they come, each once", () => {
  const t = make();
  t.arrived(message("03"));
  expect(keys(t)).toEqual([]); // what is before it is not known
  t.addNewest(page(["01", "02"]));
  t.arrived(message("03"));
  t.arrived(message("05"));
  t.arrived(message("04"));
  expect(keys(t)).toEqual(["01", "02", "03", "04", "05"]);
});

test("unsent posts come last, as they were written, and an echo replaces its row (I7)", () => {
  const t = make();
  t.addNewest(page([]));
  t.addPost(post("n1"));
  t.addPost(post("n2"));
  t.arrived(message("09"));
  expect(keys(t)).toEqual(["09", "n1", "n2"]);
  t.arrived({ ...post("n2"), id: "10" });
  expect(keys(t)).toEqual(["09", "n2", "n1"]);
  expect(t.entry("n2")?.shown.value.state).toBe("sent");
  expect(t.byId("10")?.key).toBe("n2");
});

test.each([true, false])("ack before echo, and echo before ack, make one row (echo first: %s)", (echoFirst) => {
  const t = make();
  t.addNewest(page([]));
  t.addPost(post("n1"));
  const echo = { ...post("n1"), id: "05" };
  if (echoFirst) t.arrived(echo);
  t.confirm("n1", "05", at);
  if (!echoFirst) t.arrived(echo);
  t.addNewest({ items: [echo], prev: null, next: null });
  expect(keys(t)).toEqual(["n1"]);
  expect(t.entry("n1")?.shown.value.state).toBe("sent");
});

test("an ack for what a page has brought already leaves one row", () => {
  const t = make();
  t.addNewest({ items: [message("05", { user: me.id })], prev: null, next: null });
  t.addPost(post("n1"));
  t.confirm("n1", "05", at);
  expect(keys(t)).toEqual(["05"]);
});

test("somebody else's message with our nonce is not our echo", () => {
  const t = make();
  t.addNewest(page([]));
  t.addPost(post("n1"));
  t.arrived(message("05", { nonce: "n1" }));
  expect(keys(t)).toEqual(["05", "n1"]);
});

test("edits, reactions and deletions that come before their message are kept for it", () => {
  const t = make();
  t.edited("01", edit("second", "2026-01-02T03:05:00.000Z"));
  t.reacted("01", "👍", 1, null);
  t.reacted("01", "👍", 2, true);
  t.deleted("02");
  t.removed("03");
  t.addNewest(page(["01", "02", "03"]));
  t.arrived(message("03"));
  expect(bodies(t)).toEqual(["second", ""]);
  expect(shown(t, "01")?.reactions).toEqual([{ emoji: "👍", count: 2, me: true }]);
  expect(shown(t, "02")?.deleted).toBe(true);
});

test("of edits the later stands, and nothing undoes a deletion", () => {
  const t = make();
  t.addNewest(page(["01", "02"]));
  t.edited("01", edit("later", "2026-01-02T05:00:00.000Z"));
  t.edited("01", edit("earlier", "2026-01-02T04:00:00.000Z"));
  t.addNewest(page(["01", "02"])); // asked for before the edits
  expect(bodies(t)[0]).toBe("later");
  t.deleted("02");
  t.arrived(message("02"));
  t.edited("02", edit("x"));
  expect(shown(t, "02")?.deleted).toBe(true);
});

test("between two stretches is a gap, which a page closes", () => {
  const t = make();
  t.addNewest(page(["50", "51"], "50"));
  t.addAround("20", page(["19", "20", "21"], "19", "21"));
  expect(keys(t)).toEqual(["50", "51"]);
  expect(t.showAround("20")).toBe(true);
  expect(keys(t)).toEqual(["19", "20", "21"]);
  expect([t.hasOlder, t.hasNewer, t.isLive]).toEqual([true, true, false]);
  t.arrived(message("52"));
  expect(keys(t)).toEqual(["19", "20", "21"]);
  t.addAfter("21", page(["22", "49"], "22", "49"));
  expect(keys(t)).toEqual(["19", "20", "21", "22", "49"]);
  t.addAfter("49", page(["50", "51"], "50", "51"));
  expect(keys(t)).toEqual(["19", "20", "21", "22", "49", "50", "51", "52"]);
  expect(t.isLive && !t.hasNewer).toBe(true);
  t.addBefore("19", page(["18"]));
  expect([keys(t)[0], t.hasOlder]).toEqual(["18", false]);
});

test("a post in an old stretch waits at the end of the newest", () => {
  const t = make();
  t.addNewest(page(["50"], "50"));
  t.addAround("20", page(["20"], "20", "20"));
  t.showAround("20");
  t.addPost(post("n1"));
  expect(keys(t)).toEqual(["20"]);
  t.showNewest();
  expect(keys(t)).toEqual(["50", "n1"]);
});

test("a reset keeps what is shown until the newest page tells what still stands", () => {
  const t = make();
  t.addNewest(page(["01", "02", "03"], "01"));
  const kept = t.byId("02");
  t.addPost(post("n1"));
  t.setPost("n1", "failed", "no");
  t.reset();
  expect(t.wantsNewest && t.isStale).toBe(true);
  expect(keys(t)).toEqual(["01", "02", "03", "n1"]);
  t.arrived(message("05"));
  t.addNewest({ items: [message("02", { body: "edited while away", edited_at: at }), message("04")], prev: "02", next: null });
  expect(keys(t)).toEqual(["02", "04", "05", "n1"]);
  expect(t.byId("02")).toBe(kept); // the same row
  expect(bodies(t)[0]).toBe("edited while away");
  expect(t.entry("n1")?.shown.value.error).toBe("no");
  expect(t.wantsNewest || t.isStale).toBe(false);
});

test("after a reset a page's word on reactions is taken; else what the socket told", () => {
  const t = make();
  const with3 = (count: number, mine: boolean): Page => ({ items: [message("01", { reactions: [{ emoji: "👍", count, me: mine }] })], prev: null, next: null });
  t.addNewest(with3(2, true));
  t.arrived(message("01", { reactions: [{ emoji: "👍", count: 3, me: false }] }));
  expect(shown(t, "01")?.reactions).toEqual([{ emoji: "👍", count: 3, me: true }]);
  t.addNewest(with3(2, true)); // read before the third
  expect(shown(t, "01")?.reactions?.[0]?.count).toBe(3);
  t.reset();
  t.addNewest(with3(1, false));
  expect(shown(t, "01")?.reactions).toEqual([{ emoji: "👍", count: 1, me: false }]);
});

test("what is kept is bounded, and its cut end can be loaded again", () => {
  const t = make();
  const id = (n: number): string => String(n).padStart(6, "0");
  const from = (start: number): string[] => Array.from({ length: 50 }, (_, i) => id(start + i));
  t.addNewest(page(from(5000), id(5000)));
  for (let start = 4950; start >= 0; start -= 50) t.addBefore(id(start + 50), page(from(start), start === 0 ? null : id(start)));
  expect(t.rows.value.length).toBeLessThanOrEqual(1500);
  expect([t.rows.value[0]?.key, t.hasOlder, t.hasNewer]).toEqual([id(0), false, true]);
  const last = t.rows.value.at(-1)!.order;
  t.addAfter(last, page([id(Number(last) + 1)], null, id(Number(last) + 1)));
  expect(t.rows.value.at(-1)?.order).toBe(id(Number(last) + 1));
  t.showNewest();
  expect(t.wantsNewest).toBe(true);
});

test("too many messages outside of what is known make pages on their way worthless", () => {
  const t = make();
  for (let i = 0; i < 2000; i++) t.arrived(message(String(i).padStart(5, "0")));
  expect(t.epoch).toBeGreaterThan(0);
  expect(t.message("00000")).toBeUndefined();
  expect(t.message("01999")).toBeDefined();
});

test("whatever comes in whatever order, the list is what a sorted model says", () => {
  let seed = 11;
  const random = (n: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  for (let round = 0; round < 200; round++) {
    const t = make();
    const ids = Array.from({ length: 12 }, (_, i) => String(i + 10));
    const steps = [
      ...ids.slice(6).map((id) => () => t.arrived(message(id))),
      ...ids.slice(4).map((id) => () => t.arrived(message(id))),
      () => t.edited("12", edit("e12")),
      () => t.deleted("13"),
      () => t.removed("14"),
      () => t.edited("19", edit("e19")),
      () => t.reacted("20", "👍", 4, null),
    ];
    steps.sort(() => random(3) - 1);
    const pageAt = random(steps.length);
    steps.splice(pageAt, 0, () => t.addNewest(page(ids.slice(3), "13")));
    for (const s of steps) s();
    t.addBefore("13", page(ids.slice(0, 4)));
    expect(keys(t)).toEqual(ids.filter((id) => id !== "14"));
    expect([shown(t, "12")?.body, shown(t, "19")?.body, shown(t, "13")?.deleted]).toEqual(["e12", "e19", true]);
  }
});

test("I6: messages that come for hours leave the list bounded, and what is looked at in it", () => {
  for (const following of [true, false]) {
    const t = make();
    t.following = following;
    t.addNewest(page(["00000", "00001"], null));
    for (let i = 2; i < 6000; i++) t.arrived(message(String(i).padStart(5, "0")));
    expect(t.rows.value.length).toBeLessThanOrEqual(1500);
    expect(t.message("00001") !== undefined).toBe(!following);
    expect([t.isLive, t.hasOlder, t.hasNewer]).toEqual(following ? [true, true, false] : [false, false, true]);
  }
});

test("who comes back to the newest after a flood gets it by a page", () => {
  const t = make();
  t.following = false;
  t.addNewest(page(["00000", "00001"], null));
  for (let i = 2; i < 3000; i++) t.arrived(message(String(i).padStart(5, "0")));
  t.showNewest();
  expect(t.wantsNewest).toBe(true);
  t.addNewest(page(["02998", "02999"], "02998"));
  expect(keys(t).at(-1)).toBe("02999");
  expect(t.hasOlder).toBe(true);
});
