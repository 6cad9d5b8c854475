// One message of the list.

import { avatar, h } from "../dom.ts";
import { pieces } from "../text.ts";
import { clockTime, dayName, fullTime, shortTime } from "../time.ts";
import type { Store } from "../store.ts";
import type { Row } from "../timeline.ts";
import type { Message } from "../types.ts";

/** What of a row depends on its neighbours and on the rest of the store. */
export interface Setting {
  head: boolean; // not of the same author, a moment after the one before
  day: boolean; // the first of a day
  fresh: boolean; // the first unread when the room was opened
}

export interface RowActions {
  react(m: Message, emoji: string): void;
  goTo(id: string): void;
  retry(nonce: string): void;
  discard(nonce: string): void;
}

/** Equal values make equal looks: a row is drawn again only when one of them changes. */
export function looks(row: Row, s: Setting, store: Store): unknown[] {
  const reply = row.message.reply_to ? quoted(row.message, store) : undefined;
  const names = (row.message.mentions ?? []).map((id) => store.nameOf(id)).join();
  return [row, s.head, s.day, s.fresh, store.nameOf(row.message.user), names, reply, reply && store.nameOf(reply.user)];
}

export function quoted(m: Message, store: Store): Message | null | undefined {
  const id = m.reply_to ?? "";
  return store.timelines.get(m.room)?.byId(id)?.message ?? store.quotes.get(id);
}

export function drawRow(row: Row, s: Setting, store: Store, act: RowActions): HTMLElement {
  const m = row.message;
  const name = store.nameOf(m.user);
  const time = h("time", { dateTime: m.at, title: fullTime(m.at) }, s.head ? clockTime(m.at) : shortTime(m.at));
  return h(
    "div",
    { class: "content" },
    s.day && h("div", { class: "day" }, h("span", {}, dayName(m.at))),
    s.fresh && h("div", { class: "fresh" }, h("span", {}, "New")),
    h("div", { class: s.head ? "message head" : "message" },
      s.head ? avatar(m.user, name) : h("span", { class: "gutter" }, time),
      h("div", { class: "column" },
        s.head ? h("div", { class: "meta" }, h("strong", {}, name), time) : h("span", { class: "hidden" }, name),
        m.reply_to ? drawQuote(m, store, act) : null,
        drawBody(m, store),
        m.reactions?.length ? drawReactions(m, act) : null,
        row.state === "failed" ? drawFailure(row, act) : null)),
  );
}

function drawBody(m: Message, store: Store): HTMLElement {
  if (m.deleted) return h("div", { class: "text gone" }, "This message was deleted.");
  const names = new Set((m.mentions ?? []).map((id) => store.users.get(id)?.username ?? ""));
  if (m.everyone) for (const n of ["room", "all", "here"]) names.add(n);
  const children = pieces(m.body, (n) => names.has(n)).map((p) => {
    if (p.kind === "mention") return h("span", { class: "mention" }, p.text);
    if (p.kind === "link") return h("a", { href: p.href, target: "_blank", rel: "noopener noreferrer nofollow" }, p.text);
    return p.text;
  });
  return h("div", { class: "text" }, ...children, m.edited_at ? h("span", { class: "edited", title: fullTime(m.edited_at) }, " (edited)") : null);
}

function drawQuote(m: Message, store: Store, act: RowActions): HTMLElement {
  const q = quoted(m, store);
  const text = !q ? "an earlier message" : q.deleted ? "a deleted message" : q.body;
  const onclick = (): void => act.goTo(m.reply_to ?? "");
  return h("button", { type: "button", class: "quote", onclick, aria: { label: `In reply to: ${text}` } },
    q ? h("strong", {}, store.nameOf(q.user)) : null, h("span", {}, text.slice(0, 200)));
}

function drawReactions(m: Message, act: RowActions): HTMLElement {
  const chips = (m.reactions ?? []).map((r) =>
    h("button", {
      type: "button",
      class: "chip",
      onclick: () => act.react(m, r.emoji),
      aria: { pressed: String(r.me), label: `${r.emoji}, ${r.count}${r.me ? ", yours" : ""}` },
    }, r.emoji, h("span", {}, String(r.count))));
  return h("div", { class: "reactions" }, ...chips);
}

function drawFailure(row: Row, act: RowActions): HTMLElement {
  return h("div", { class: "failure" }, h("span", {}, `Not sent: ${row.error ?? "something went wrong"}.`),
    h("button", { type: "button", onclick: () => act.retry(row.key) }, "Try again"),
    h("button", { type: "button", onclick: () => act.discard(row.key) }, "Discard"));
}
