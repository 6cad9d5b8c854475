// The messages of one room: one sorted list, the stretches of it that are complete, and the own posts that are
// still on their way. Shown is one stretch: that of the newest message, or that of a place somebody jumped to.

import { batch, computed, signal } from "@preact/signals";
import type { Message, Page } from "../wire/types.ts";
import { deleted, Early, edited, type Edit } from "./early.ts";
import { newEntry, type Entry, type Sending, type Shown } from "./entry.ts";
import { keepOwn, react } from "./reactions.ts";
import { SortedList } from "./sortedlist.ts";
import { beginning, live, Spans, type Span } from "./spans.ts";

/** What the server has comes by id; what it does not have yet comes after, as it was written. */
const unsent = "~";

const mostStrays = 500;
const mostShown = 1500;
const keptShown = 1000;

export class Timeline {
  private readonly list = new SortedList<Entry>((e) => e.key, (e) => e.order);
  private readonly keys = new Map<string, string>(); // message id to key
  private readonly spans = new Spans();
  private readonly early = new Early();
  private readonly strays = new Set<string>(); // ids that are in no span yet
  private stale: Set<string> | null = null; // ids from before a reset, until the newest page tells which still stand
  private posts = 0;
  private readonly version = signal(0); // of the list and the spans
  private readonly place = signal(live);

  /** Whether what is looked at is the newest: then the oldest is what goes when there is too much. */
  following = true;

  /** Counts resets: a page that was asked for before one must not be added after it. */
  epoch = 0;

  /** changed is called when anything here has. */
  constructor(
    private readonly me: string,
    private readonly changed: () => void = () => undefined,
  ) {}

  private listChanged(): void {
    this.version.value++;
    this.changed();
  }

  private show(e: Entry, shown: Shown): void {
    e.shown.value = shown;
    this.changed();
  }

  /** The stretch that is shown; undefined until its page has come. */
  readonly span = computed<Span | undefined>(() => {
    void this.version.value;
    return this.spans.at(this.place.value);
  });

  /** The rows that are shown. */
  readonly rows = computed<readonly Entry[]>(() => {
    void this.version.value;
    const span = this.span.value;
    if (span) return this.list.between(span.from, span.to);
    return this.list.between(unsent, live);
  });

  /** Whether the stretch of the newest message is what is to be shown. */
  get isLive(): boolean {
    return this.place.value === live || this.span.value?.to === live;
  }

  get hasOlder(): boolean {
    const s = this.span.value;
    return s !== undefined && s.from !== beginning;
  }

  get hasNewer(): boolean {
    const s = this.span.value;
    return s !== undefined && s.to !== live;
  }

  /** Whether the newest page has to be loaded, or loaded again. */
  get wantsNewest(): boolean {
    void this.version.value;
    return this.stale !== null || !this.spans.at(live);
  }

  /** Whether what is here is from before a reset. */
  get isStale(): boolean {
    void this.version.value;
    return this.stale !== null;
  }

  /** The message that was jumped to. */
  get shownAround(): string {
    return this.place.value;
  }

  entry(key: string): Entry | undefined {
    return this.list.get(key);
  }

  byId(id: string): Entry | undefined {
    void this.version.value;
    return this.peekId(id);
  }

  private peekId(id: string): Entry | undefined {
    const key = this.keys.get(id);
    return key === undefined ? undefined : this.list.get(key);
  }

  message(id: string): Message | undefined {
    return this.peekId(id)?.shown.peek().message;
  }

  /** The newest message that the server has, as far as it is here. */
  newest(): Message | undefined {
    if (!this.spans.at(live)) return undefined;
    return this.list.all.findLast((e) => e.shown.peek().state === "sent")?.shown.peek().message;
  }

  // What is shown.

  showNewest(): void {
    this.place.value = live;
  }

  /** Shows the stretch around a message, if it is here. */
  showAround(id: string): boolean {
    if (!this.keys.has(id) || !this.spans.at(id)) return false;
    this.place.value = id;
    return true;
  }

  // Pages.

  addNewest(p: Page): void {
    this.addTrusted(p, { from: startOf(p), to: live });
  }

  /** Adds a newest page that may lack what happened while it was asked for: shown, until a later one is here. */
  addAhead(p: Page): void {
    if (this.spans.at(live)) return;
    batch(() => {
      this.addNewest(p);
      this.stale = new Set(this.keys.keys());
      this.listChanged();
    });
  }

  addBefore(id: string, p: Page): void {
    this.addSpan(p, { from: startOf(p), to: id });
    this.trim("newer");
  }

  addAfter(id: string, p: Page): void {
    this.addSpan(p, { from: id, to: p.next === null ? live : (p.items.at(-1)?.id ?? p.next) });
    this.trim("older");
  }

  addAround(id: string, p: Page): void {
    const to = p.next === null ? live : (p.items.at(-1)?.id ?? id);
    this.addTrusted(p, { from: startOf(p), to });
  }

  /** Adds a page that does not begin where another ends: after a reset it is what the rest is measured by. */
  private addTrusted(p: Page, span: Span): void {
    batch(() => {
      if (this.stale) this.dropStale(p);
      this.addSpan(p, span);
      this.stale = null;
      if (!this.spans.at(this.place.peek())) this.place.value = live; // where somebody was is no more
      this.listChanged();
    });
  }

  private addSpan(p: Page, span: Span): void {
    batch(() => {
      for (const m of p.items) this.addMessage(m, true);
      this.spans.add(span);
      for (const id of this.strays) if (this.spans.at(id)) this.strays.delete(id);
      this.listChanged();
    });
  }

  /** Adds what was kept of the newest messages; what has come since is here already. */
  addKept(from: string, messages: Message[]): void {
    if (!this.stale) this.addSpan({ items: messages, prev: null, next: null }, { from, to: live });
  }

  /** All that is here without a gap up to the newest message, and where it begins; null if that is not known. */
  newestStretch(): { from: string; messages: Message[] } | null {
    const span = this.stale ? undefined : this.spans.at(live);
    if (!span) return null;
    const sent = this.list.between(span.from, live).filter((e) => e.shown.peek().state === "sent");
    return { from: span.from, messages: sent.map((e) => e.shown.peek().message) };
  }

  /** There may be a gap: what is here stays in view until the newest page comes, and is trusted no more. */
  reset(): void {
    this.stale = new Set(this.keys.keys());
    this.early.clear();
    this.epoch++;
    this.listChanged();
  }

  /** What the server has sent is here no more. */
  forget(): void {
    batch(() => {
      for (const id of [...this.keys.keys()]) this.drop(id);
      this.spans.clear();
      this.listChanged();
    });
  }

  private dropStale(p: Page): void {
    const stand = new Set(p.items.map((m) => m.id));
    for (const id of this.stale ?? []) if (!stand.has(id)) this.drop(id);
    this.spans.clear();
  }

  /** Bounds what is kept, by forgetting the far end of what is shown. */
  private trim(end: "older" | "newer"): void {
    const rows = this.rows.peek().filter((e) => e.order < unsent);
    if (rows.length <= mostShown) return;
    const kept = end === "older" ? rows.slice(-keptShown) : rows.slice(0, keptShown);
    const [first, last] = [kept[0]!.order, kept.at(-1)!.order];
    const whole = this.span.peek()!;
    const keep = end === "older" ? { from: first, to: whole.to } : { from: whole.from, to: last };
    batch(() => {
      this.spans.cut(keep);
      if (this.place.peek() < keep.from || this.place.peek() > keep.to) this.place.value = first;
      for (const id of [...this.keys.keys()]) if (id < keep.from || id > keep.to) this.drop(id);
      this.listChanged();
    });
  }

  // Own posts.

  addPost(message: Message & { nonce: string }): void {
    const order = unsent + String(++this.posts).padStart(12, "0");
    this.list.add(newEntry(message.nonce, order, { message, state: "pending" }));
    this.listChanged();
  }

  setPost(nonce: string, state: Exclude<Sending, "sent">, error?: string): void {
    const e = this.list.get(nonce);
    if (!e || e.shown.peek().state === "sent") return;
    const { message } = e.shown.peek();
    e.shown.value = { message, state, ...(error === undefined ? {} : { error }) };
  }

  removePost(nonce: string): void {
    const e = this.list.get(nonce);
    if (!e || e.shown.peek().state === "sent") return;
    this.list.remove(nonce);
    this.listChanged();
  }

  /** The ack of a post; its echo may have been here already. */
  confirm(nonce: string, id: string, at: string): void {
    const e = this.list.get(nonce);
    if (!e || e.shown.peek().state === "sent") return;
    if (this.keys.has(id)) this.removePost(nonce);
    else this.arrived({ ...e.shown.peek().message, id, at });
  }

  // What the socket tells, in any order.

  arrived(m: Message): void {
    batch(() => {
      if (this.addMessage(m, false)) this.listChanged();
      this.boundStrays();
      this.bound();
    });
  }

  edited(id: string, edit: Edit): void {
    if (!this.change(id, (m) => edited(m, edit))) this.early.edited(id, edit);
  }

  deleted(id: string): void {
    if (!this.change(id, deleted)) this.early.deleted(id);
  }

  removed(id: string): void {
    this.early.removed(id);
    if (this.drop(id)) this.listChanged();
  }

  reacted(id: string, emoji: string, count: number, me: boolean | null): void {
    if (!this.change(id, (m) => react(m, emoji, count, me))) this.early.reacted(id, emoji, count, me);
  }

  private change(id: string, change: (m: Message) => Message): boolean {
    const e = this.peekId(id);
    if (!e) return false;
    const shown = e.shown.peek();
    const message = change(shown.message);
    if (message !== shown.message) this.show(e, { ...shown, message });
    return true;
  }

  /** Tells whether the list is another. ownView: it was read by this user, so its reactions' me can be believed. */
  private addMessage(told: Message, ownView: boolean): boolean {
    const wasStale = this.stale?.delete(told.id) ?? false;
    const m = this.early.take(told);
    if (!m) return false;
    const old = this.peekId(m.id);
    if (old) {
      const had = old.shown.peek().message;
      const message = merge(had, m, ownView ? (wasStale ? "page" : "own") : "event");
      if (!same(message, had)) this.show(old, { message, state: "sent" });
      return false;
    }
    const key = this.postOf(m) ?? m.id;
    this.list.remove(key);
    this.list.add(newEntry(key, m.id, { message: m, state: "sent" }));
    this.keys.set(m.id, key);
    if (!this.spans.at(m.id)) this.strays.add(m.id);
    return true;
  }

  /** The key of the own row that a message is the echo of. */
  private postOf(m: Message): string | undefined {
    if (m.user !== this.me || !m.nonce) return undefined;
    const e = this.list.get(m.nonce);
    return e && e.shown.peek().state !== "sent" ? m.nonce : undefined;
  }

  /** Messages come for as long as a page is open. */
  private bound(): void {
    if (this.list.all.length > mostShown && this.isLive && this.span.peek()) this.trim(this.following ? "older" : "newer");
  }

  private drop(id: string): boolean {
    const key = this.keys.get(id);
    if (key === undefined) return false;
    this.keys.delete(id);
    this.strays.delete(id);
    return this.list.remove(key);
  }

  /** Too many came outside of what is known: a page that is on its way could miss one, so it is asked for again. */
  private boundStrays(): void {
    if (this.strays.size <= mostStrays) return;
    for (const id of [...this.strays].slice(0, mostStrays / 2)) this.drop(id);
    this.epoch++;
    this.listChanged();
  }
}

function startOf(p: Page): string {
  return p.prev === null ? beginning : (p.items[0]?.id ?? p.prev);
}

/**
 * What a message is after it was told of again. Deletion is for ever, and the later edit wins. A page's word on
 * reactions is taken where events may have been missed; else only which of them are the reader's own.
 */
function merge(had: Message, m: Message, source: "event" | "page" | "own"): Message {
  if (had.deleted || m.deleted) return m.deleted ? m : had;
  const edit = { body: had.body, edited_at: had.edited_at, mentions: had.mentions, everyone: had.everyone };
  const now = (m.edited_at ?? "") >= (had.edited_at ?? "") ? m : ({ ...m, ...edit } as Message);
  if (source === "event") return keepOwn(now, had);
  if (source === "page" || !had.reactions) return now;
  return { ...now, reactions: keepOwn(had, m).reactions ?? [] };
}

function same(a: Message, b: Message): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
