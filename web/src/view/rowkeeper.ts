// Keeps the window of a list of equal rows: which of them stand in the document, and what stays in view as they change.
//
// The rows' height is CSS's own matter (--row): here it is measured, of the list as a whole.

import { signal } from "@preact/signals";

const around = 10; // rows before and after those in view, for the keyboard and the eye to run into
const most = 90;
const unmeasured = 40; // rows that stand there before it is known how high they are
const loadAhead = 40; // rows

interface Range {
  readonly start: number;
  readonly end: number; // excluded
}

interface Anchor {
  key: string;
  offset: number; // from the view's upper edge
}

export class RowKeeper {
  /** Counts the window's moves. */
  readonly moves = signal(0);
  private keys: readonly string[] = [];
  private places = new Map<string, number>();
  private range: Range = { start: 0, end: unmeasured };
  private list: HTMLElement | null = null;
  private view: HTMLElement | null = null;
  private anchor: Anchor | null = null;
  private focused = ""; // the row that has the focus stays in the document, wherever it is
  private wanted = ""; // the row that is to have it
  private current = "";
  private shownCurrent = "";
  private nearEnd: () => void = () => undefined;

  /** Takes the rows that are to be drawn now; current is to be in view whenever it becomes another one. */
  setRows(keys: readonly string[], current: string, nearEnd: () => void): void {
    this.current = current;
    this.nearEnd = nearEnd;
    if (keys === this.keys) return;
    this.keys = keys;
    this.places = new Map(keys.map((key, i) => [key, i]));
  }

  /** The rows that stand in the document, in order. */
  get drawnRows(): number[] {
    const { start, end } = this.clamped;
    const rows = Array.from({ length: end - start }, (_, i) => start + i);
    for (const key of [this.focused, this.wanted]) {
      const at = this.places.get(key) ?? -1;
      if (at >= 0 && !rows.includes(at)) rows.push(at);
    }
    return rows.sort((a, b) => a - b);
  }

  private get clamped(): Range {
    const end = Math.min(this.range.end, this.keys.length);
    return { start: Math.max(0, Math.min(this.range.start, end - 1)), end };
  }

  // The document.

  attach(list: HTMLElement): () => void {
    const view = list.closest<HTMLElement>("[data-scroller]");
    if (!view) throw new Error("the rows stand in no scroller");
    this.list = list;
    this.view = view;
    const look = (): void => this.look();
    const resized = new ResizeObserver(() => this.drawn());
    view.addEventListener("scroll", look, { passive: true });
    resized.observe(view);
    resized.observe(list);
    return () => {
      view.removeEventListener("scroll", look);
      resized.disconnect();
      this.list = this.view = null;
    };
  }

  /** The rows stand in the document, or their place has another size. */
  drawn(): void {
    if (!this.view) return;
    this.settle();
    this.showCurrent();
    this.look();
    if (this.wanted) this.giveFocus();
  }

  private get rowHeight(): number {
    return this.keys.length > 0 ? this.list!.getBoundingClientRect().height / this.keys.length : 0;
  }

  /** How far the list's beginning is from the view's upper edge. */
  private get listTop(): number {
    return this.list!.getBoundingClientRect().top - this.view!.getBoundingClientRect().top;
  }

  /** Rows that come and go above what is looked at do not move it. */
  private settle(): void {
    const at = this.anchor && this.places.get(this.anchor.key);
    if (!this.anchor || at === undefined || at === null || this.rowHeight === 0) return;
    const off = this.listTop + at * this.rowHeight - this.anchor.offset;
    if (Math.abs(off) >= 0.5) this.view!.scrollTop += off;
  }

  private showCurrent(): void {
    const at = this.places.get(this.current);
    if (this.current === this.shownCurrent || at === undefined || this.rowHeight === 0) return;
    this.shownCurrent = this.current;
    const top = this.listTop + at * this.rowHeight;
    const room = this.view!.clientHeight - this.rowHeight;
    if (top < 0 || top > room) this.view!.scrollTop += top - room / 2;
  }

  /** What is in view stands in the document, and what comes next is loaded. */
  private look(): void {
    const height = this.rowHeight;
    if (height === 0) return;
    const { listTop } = this;
    const first = Math.floor(-listTop / height);
    const last = Math.ceil((this.view!.clientHeight - listTop) / height);
    this.note(first, listTop, height);
    this.cover(first, last);
    if (last + loadAhead >= this.keys.length) this.nearEnd();
  }

  /** Who is at the top of all, or above the list, sees what comes. */
  private note(first: number, listTop: number, height: number): void {
    const key = first >= 0 && this.view!.scrollTop > 0 ? this.keys[first] : undefined;
    this.anchor = key === undefined ? null : { key, offset: listTop + first * height };
  }

  private cover(first: number, last: number): void {
    const { start, end } = this.range;
    const need = { start: clamp(first, this.keys.length), end: clamp(last, this.keys.length) };
    if (need.start >= start && need.end <= end && end - start <= most) return;
    const from = Math.max(0, need.start - around);
    this.range = { start: from, end: Math.min(need.end + around, from + most) };
    this.moves.value++;
  }

  // The focus.

  focusIn(e: FocusEvent): void {
    this.focused = keyOf(e.target);
    this.wanted = "";
  }

  focusOut(): void {
    this.focused = "";
  }

  /** The arrows go from row to row; past the ends it is for others. */
  key(e: KeyboardEvent): void {
    const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
    const at = this.places.get(keyOf(e.target));
    const next = at === undefined ? undefined : this.keys[at + step];
    if (step === 0 || next === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    this.wanted = next;
    if (!this.giveFocus()) this.moves.value++; // once it stands there
  }

  private giveFocus(): boolean {
    const row = this.list?.querySelector(`:scope > [data-key="${CSS.escape(this.wanted)}"]`);
    row?.querySelector<HTMLElement>("a, button, [tabindex]")?.focus();
    return row !== null && row !== undefined;
  }
}

function keyOf(target: EventTarget | null): string {
  return (target as Element).closest<HTMLElement>("[data-key]")?.dataset["key"] ?? "";
}

function clamp(n: number, most: number): number {
  return Math.max(0, Math.min(n, most));
}
