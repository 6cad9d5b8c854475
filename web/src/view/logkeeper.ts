// Keeps a message list's window and place: what is drawn, what stays in view, what is loaded and what counts as read.

import { signal, untracked } from "@preact/signals";
import type { Chat } from "../chat/chat.ts";
import type { Entry } from "../store/entry.ts";
import { Scroller } from "./scroller.ts";
import { Windowed, type Placed } from "./windowed.ts";

const loadAhead = 1200; // pixels

export class LogKeeper {
  readonly atEnd = signal(true);
  /** Counts the window's moves. */
  readonly moves = signal(0);
  /** The last message that was read when the room was opened, or come back to; "" when there was nothing unread. */
  readonly readUpTo = signal("");
  /** Whether the first unread message is still somewhere above. */
  readonly unreadAbove = signal(false);
  private readonly windowed = new Windowed();
  private rows: readonly Entry[] = [];
  private scroller: Scroller | null = null;
  private view: HTMLElement | null = null;
  private content: HTMLElement | null = null;
  private left: { key: string; offset: number } | null = null; // where somebody was when they left
  private wanted = ""; // the id of a message that is to be shown
  private widening = false;

  constructor(
    private readonly chat: Chat,
    readonly room: string,
  ) {
    this.markUnread();
    untracked(() => this.comeBack());
  }

  /** Who was not at the end when the room was left is there again, as long as what stood there is here. */
  private comeBack(): void {
    const place = this.chat.store.places.of(this.room);
    const { timeline } = this;
    if (!place || timeline.isStale || !timeline.showAround(place.id)) return;
    this.wanted = place.id;
    this.left = { key: timeline.byId(place.id)!.key, offset: place.offset };
    this.atEnd.value = false;
  }

  private leave(): void {
    const at = this.scroller?.place;
    const id = at && this.timeline.entry(at.key)?.shown.peek().message.id;
    this.chat.store.places.leave(this.room, at && id ? { id, offset: at.offset } : null);
  }

  /** What nobody has seen here yet begins below a line. */
  private markUnread(): void {
    const r = this.chat.store.rooms.peek(this.room);
    if (!r || r.unread === 0 || r.last_read <= this.readUpTo.peek()) return;
    this.readUpTo.value = r.last_read;
    this.unreadAbove.value = true;
  }

  private get timeline() {
    return this.chat.store.timeline(this.room);
  }

  // The document.

  attach(view: HTMLElement): () => void {
    this.view = view;
    const scrolled = (): void => this.scrolled();
    const looked = (): void => {
      if (isWatched()) this.markUnread();
      this.look();
    };
    view.addEventListener("scroll", scrolled, { passive: true });
    window.addEventListener("focus", looked);
    document.addEventListener("visibilitychange", looked);
    return () => {
      view.removeEventListener("scroll", scrolled);
      window.removeEventListener("focus", looked);
      document.removeEventListener("visibilitychange", looked);
      this.leave();
      this.view = this.scroller = null;
      this.timeline.following = true; // nobody looks
    };
  }

  /** Rows may grow, and the view may, at any time. */
  observe(content: HTMLElement): () => void {
    this.content = content;
    const resized = new ResizeObserver(() => this.drawn());
    resized.observe(content);
    if (content.parentElement) resized.observe(content.parentElement);
    return () => resized.disconnect();
  }

  /** Takes the rows that are to be drawn now. */
  setRows(rows: readonly Entry[]): void {
    if (rows === this.rows) return;
    this.rows = rows;
    this.windowed.setKeys(rows.map((e) => e.key));
    // Until these are drawn, pixels are those of the rows before: what is in view stays, more comes once it is placed.
    if (this.windowed.isEmpty || this.wanted || !this.scroller || this.scroller.stuck) this.cover();
  }

  get placed(): Placed {
    return this.windowed.placed;
  }

  /** The rows stand in the document: their heights are known, and the place is put right. */
  drawn(): void {
    const scroller = this.ready();
    if (!scroller) return;
    const measured = this.measure();
    if (measured) this.windowed.remeasure();
    const settled = scroller.settle();
    const needs = this.cover();
    if (settled || !needs) scroller.note();
    // Spaces follow the measured heights, and rows the place.
    if (needs || measured) this.moves.value++;
    this.look();
  }

  private ready(): Scroller | null {
    if (!this.view || !this.content) return null;
    this.scroller ??= new Scroller(
      this.view,
      this.content,
      () => this.timeline.isLive && !this.timeline.hasNewer,
      () => this.scroller && this.windowed.rowAt(this.scroller.range(this.listTop).top),
    );
    if (this.left) this.scroller.hold(this.left);
    this.left = null;
    if (!this.widening && this.rows.length > 0) this.widenSoon();
    return this.scroller;
  }

  /** What is in view is painted first. */
  private widenSoon(): void {
    this.widening = true;
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.windowed.widen();
        if (this.ready() && this.cover()) this.moves.value++;
      }),
    );
  }

  private measure(): boolean {
    let other = false;
    for (const row of this.content!.children as Iterable<Element> & HTMLCollection) {
      const { height } = row.getBoundingClientRect();
      if (this.windowed.measured((row as HTMLElement).dataset["key"]!, height)) other = true;
    }
    return other;
  }

  /** Tells whether other rows are needed than are drawn. */
  private cover(): boolean {
    const { scroller } = this;
    const wanted = this.wanted ? this.rows.findIndex((e) => e.shown.peek().message.id === this.wanted) : -1;
    if (wanted >= 0 && !scroller?.stuck) return this.windowed.coverRow(wanted, scroller?.height || window.innerHeight);
    if (!scroller || scroller.stuck) return this.windowed.coverEnd(scroller?.height || window.innerHeight);
    const top = this.thoughtTop(scroller);
    return this.windowed.cover(top, top + scroller.height);
  }

  /**
   * Where the view begins, in pixels as the rows are thought to be high: those of the document are from before they
   * were measured. The row that is looked at stands in both.
   */
  private thoughtTop(scroller: Scroller): number {
    const at = scroller.place;
    const top = at ? this.windowed.topOf(at.key) : undefined;
    return top === undefined ? scroller.range(this.listTop).top : top - at!.offset;
  }

  /** How far below the list's own top its rows begin. */
  private get listTop(): number {
    return (this.view?.firstElementChild as HTMLElement | null)?.offsetHeight ?? 0;
  }

  private scrolled(): void {
    const scroller = this.ready();
    if (!scroller) return;
    this.wanted = "";
    scroller.note();
    if (this.cover()) this.moves.value++;
    this.look();
  }

  /** What the place means: older or newer pages are near, or the newest message is seen. */
  private look(): void {
    const { scroller } = this;
    if (!scroller) return;
    this.atEnd.value = this.timeline.following = scroller.stuck;
    if (this.unreadAbove.peek() && this.isFirstUnreadReached()) this.unreadAbove.value = false;
    if (scroller.stuck && isWatched()) this.chat.reading.seen(this.room);
    this.loadMore();
  }

  private isFirstUnreadReached(): boolean {
    const upTo = this.readUpTo.peek();
    const rows = [...this.content!.children] as HTMLElement[];
    const first = rows.find((r) => (r.dataset["id"] ?? "") > upTo);
    return first !== undefined && first.getBoundingClientRect().top >= this.view!.getBoundingClientRect().top - 1;
  }

  loadMore(): void {
    const { scroller, timeline } = this;
    if (!scroller || this.chat.store.connection.peek() !== "online" || timeline.isStale) return;
    const { start, end } = scroller.distances;
    if (end < loadAhead && timeline.hasNewer) void this.chat.pager.newer(this.room);
    else if (start < loadAhead && timeline.hasOlder) void this.chat.pager.older(this.room);
  }

  // Where the person wants to be.

  toNewest(): void {
    this.wanted = "";
    this.timeline.showNewest();
    this.atEnd.value = true;
    if (!this.scroller) return;
    this.scroller.stuck = true;
    if (this.cover()) this.moves.value++;
    this.scroller.follow();
  }

  /** Shows the first message that was unread when the room was opened; tells whether there is one. */
  async toFirstUnread(): Promise<boolean> {
    const upTo = this.readUpTo.peek();
    this.unreadAbove.value = false;
    if (!(await this.chat.pager.around(this.room, upTo))) return false;
    const first = this.timeline.rows.peek().find((e) => e.shown.peek().message.id > upTo);
    return this.goTo(first?.shown.peek().message.id || upTo);
  }

  /** Shows a message, wherever in the room it is; tells whether there is one. */
  async goTo(id: string): Promise<boolean> {
    if (!(await this.chat.pager.around(this.room, id))) return false;
    const entry = this.timeline.byId(id);
    if (!entry || !this.scroller) return false;
    this.wanted = id;
    this.scroller.aim(entry.key);
    if (this.cover()) this.moves.value++;
    requestAnimationFrame(() => this.arrive(entry.key));
    return true;
  }

  private arrive(key: string): void {
    this.scroller?.settle();
    const row = this.scroller?.element(key);
    row?.focus({ preventScroll: true });
    row?.classList.add("found");
    row?.addEventListener("animationend", () => row.classList.remove("found"), { once: true });
  }

  /** The arrows go from row to row. */
  key(e: KeyboardEvent): void {
    const at = document.activeElement;
    const step = e.key === "ArrowUp" ? "previousElementSibling" : e.key === "ArrowDown" ? "nextElementSibling" : null;
    if (!step || !this.content) return;
    const row = at?.closest(".row");
    const next = row ? row[step] : this.lastInView();
    if (!(next instanceof HTMLElement)) return;
    e.preventDefault();
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  private lastInView(): Element | undefined {
    const edge = this.view!.getBoundingClientRect().bottom;
    return [...this.content!.children].findLast((r) => r.getBoundingClientRect().top < edge - 8);
  }
}

function isWatched(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}
