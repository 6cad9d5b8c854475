// Which rows of a long list stand in the document: those in view and some before and after.
//
// They stand in the normal flow, between two spaces as high as what is left out. So whatever their heights turn out to
// be, rows never overlap, and the scroller holds what is read in its place by measuring it, not by adding up guesses.
// The libraries for this place each row by its guessed height, correct by the guess's error, and leave corrections out
// while one scrolls backwards, which is how a chat is read; the smallest that holds a list's end is 9 KB.

import { Heights } from "./heights.ts";

export interface Range {
  readonly start: number;
  readonly end: number; // excluded
}

export interface Placed extends Range {
  readonly before: number; // pixels left out
  readonly after: number;
}

const wide = 1000; // pixels before and after the view
export const mostRows = 300;

export class Windowed {
  readonly heights = new Heights();
  private keys: readonly string[] = [];
  private tops: number[] = [0];
  private range: Range = { start: 0, end: 0 };
  private margin = 0;

  /** Rows out of view stand in the document too from now on: the first ones are in view the sooner without them. */
  widen(): void {
    this.margin = wide;
  }

  /** Takes other rows. Those that stood in the document and still are there stay. */
  setKeys(keys: readonly string[]): void {
    const stood = new Set(this.keys.slice(this.range.start, this.range.end));
    this.keys = keys;
    this.tops = this.heights.tops(keys);
    const start = keys.findIndex((k) => stood.has(k));
    const end = keys.findLastIndex((k) => stood.has(k)) + 1;
    this.range = end > 0 ? { start, end } : { start: keys.length, end: keys.length };
  }

  get isEmpty(): boolean {
    return this.range.start === this.range.end;
  }

  /** Tells whether a height was another. */
  measured(key: string, height: number): boolean {
    return this.heights.set(key, height);
  }

  remeasure(): void {
    this.tops = this.heights.tops(this.keys);
  }

  get placed(): Placed {
    const { start, end } = this.range;
    return { start, end, before: this.tops[start]!, after: this.tops.at(-1)! - this.tops[end]! };
  }

  /** Covers a view of the list, from a pixel to another; tells whether other rows are needed for it. */
  cover(top: number, bottom: number): boolean {
    const { start, end } = this.range;
    const slack = this.margin / 2; // may be used up before rows are changed
    const enough =
      start < end &&
      (start === 0 || this.tops[start]! <= top - slack) &&
      (end === this.keys.length || this.tops[end]! >= bottom + slack);
    if (enough && end - start <= mostRows) return false;
    return this.take(this.indexAt(top - this.margin), this.indexAt(bottom + this.margin) + 1);
  }

  /** Covers the end of the list. */
  coverEnd(viewHeight: number): boolean {
    const whole = this.tops.at(-1)!;
    return this.cover(whole - viewHeight, whole);
  }

  coverRow(index: number, viewHeight: number): boolean {
    return this.cover(this.tops[index]! - viewHeight / 2, this.tops[index]! + viewHeight / 2);
  }

  private take(start: number, end: number): boolean {
    const last = Math.min(end, this.keys.length);
    const first = Math.max(0, start, last - mostRows);
    if (first === this.range.start && last === this.range.end) return false;
    this.range = { start: first, end: last };
    return true;
  }

  /** Where a row is thought to begin, if it is one of these. */
  topOf(key: string): number | undefined {
    const index = this.keys.indexOf(key);
    return index < 0 ? undefined : this.tops[index];
  }

  /** Which row is thought to stand at a pixel, and how far below it begins. */
  rowAt(pixel: number): { key: string; offset: number } | null {
    const index = this.indexAt(pixel);
    const key = this.keys[index];
    return key === undefined ? null : { key, offset: this.tops[index]! - pixel };
  }

  /** The row at a pixel, or the nearest one. */
  indexAt(pixel: number): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (this.tops[mid + 1]! <= pixel) low = mid + 1;
      else high = mid;
    }
    return Math.min(low, Math.max(0, this.keys.length - 1));
  }
}
