// Of which stretches of a room's history everything is here. What lies between two spans is a gap.

/** Before the first message, and after the newest one and all that come. */
export const beginning = "";
export const live = "\uffff";

/** From one place to another, both included: an id, or the beginning, or live. */
export interface Span {
  readonly from: string;
  readonly to: string;
}

export class Spans {
  private spans: Span[] = []; // in order; no two touch

  get all(): readonly Span[] {
    return this.spans;
  }

  /** Adds a stretch, and closes the gaps that it covers. */
  add(span: Span): void {
    const apart: Span[] = [];
    let { from, to } = span;
    for (const s of this.spans) {
      if (s.to < from || s.from > to) {
        apart.push(s);
        continue;
      }
      if (s.from < from) from = s.from;
      if (s.to > to) to = s.to;
    }
    this.spans = [...apart, { from, to }].sort((a, b) => (a.from < b.from ? -1 : 1));
  }

  /** Forgets all but a stretch. */
  cut(keep: Span): void {
    const kept = this.spans.map((s) => ({
      from: s.from < keep.from ? keep.from : s.from,
      to: s.to > keep.to ? keep.to : s.to,
    }));
    this.spans = kept.filter((s) => s.from <= s.to);
  }

  clear(): void {
    this.spans = [];
  }

  at(place: string): Span | undefined {
    return this.spans.find((s) => s.from <= place && place <= s.to);
  }
}
