// Every change of the message list's scroll position goes through settle.
//
// The anchor is a row's message, not the row: the day above it may come or go with the row before.

const nearEnd = 48;

export interface Anchor {
  key: string;
  offset: number; // from the view's upper edge
}

export class Scroller {
  /** Whether the person is at the end, and stays there. */
  stuck = true;
  private anchor: Anchor | null = null;
  private left = 0; // where we left the view

  /**
   * endsHere tells whether the list's end is that of the room, thought which row should be in view where none is
   * drawn yet: who flings goes faster than rows are drawn.
   */
  constructor(
    private readonly view: HTMLElement,
    private readonly rows: HTMLElement,
    private readonly endsHere: () => boolean,
    private readonly thought: () => Anchor | null,
  ) {}

  /** Where the view is, in pixels of the list; the list begins below what stands above it. */
  range(listTop: number): { top: number; bottom: number } {
    const top = this.view.scrollTop - listTop;
    return { top, bottom: top + this.view.clientHeight };
  }

  get height(): number {
    return this.view.clientHeight;
  }

  get distances(): { start: number; end: number } {
    const { scrollTop, scrollHeight, clientHeight } = this.view;
    return { start: scrollTop, end: scrollHeight - scrollTop - clientHeight };
  }

  /** Remembers what is looked at: the first row in view, and where in the view it stands. */
  note(): void {
    this.stuck = this.endsHere() && this.distances.end < nearEnd;
    const edge = this.view.getBoundingClientRect().top;
    const row = this.firstInView(edge);
    const anchor = row ? { key: row.dataset["key"]!, offset: inner(row).getBoundingClientRect().top - edge } : this.thought();
    if (!isAbout(anchor, this.anchor)) this.anchor = anchor;
    this.leave();
  }

  /** Whether the person has scrolled back, and the event of it is still to come. */
  private get movedBack(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.view;
    // Less to scroll, or a higher view, moves it too: to the end, and no further.
    return scrollTop < Math.min(this.left, scrollHeight - clientHeight) - 1;
  }

  private leave(): void {
    this.left = this.view.scrollTop;
  }

  private firstInView(edge: number): HTMLElement | null {
    const rows = this.rows.children;
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (rows[mid]!.getBoundingClientRect().bottom <= edge) low = mid + 1;
      else high = mid;
    }
    const row = rows[low] as HTMLElement | undefined;
    const inView = row && row.getBoundingClientRect().top < edge + this.view.clientHeight;
    return inView ? row : null;
  }

  follow(): void {
    this.stuck = true;
    this.left = 0;
    this.settle();
  }

  /** Wants a row at a third of the view. */
  aim(key: string): void {
    this.stuck = false;
    this.anchor = { key, offset: this.view.clientHeight / 3 };
  }

  /** What is looked at, unless that is the end. */
  get place(): Readonly<Anchor> | null {
    return this.stuck ? null : this.anchor;
  }

  /** Wants a row where it was. */
  hold(place: Readonly<Anchor>): void {
    this.stuck = false;
    this.anchor = place;
  }

  /**
   * What is looked at stays where it is, and who is at the end stays there. Tells whether that could be: not while
   * what is looked at is not drawn.
   */
  settle(): boolean {
    if (this.stuck && this.movedBack) this.note();
    if (this.stuck) {
      if (this.distances.end > 0) this.view.scrollTop = this.view.scrollHeight;
      this.leave();
      return true;
    }
    if (!this.anchor) return true;
    const row = this.element(this.anchor.key);
    if (!row) return false;
    const now = inner(row).getBoundingClientRect().top - this.view.getBoundingClientRect().top;
    const off = now - this.anchor.offset;
    if (Math.abs(off) >= 0.5) this.view.scrollTop += off;
    this.leave();
    return true;
  }

  element(key: string): HTMLElement | null {
    return this.rows.querySelector(`:scope > [data-key="${CSS.escape(key)}"]`);
  }
}

/** Browsers round where a view stands: to take that for a move would add up. */
function isAbout(a: Anchor | null, b: Anchor | null): boolean {
  return a !== null && a.key === b?.key && Math.abs(a.offset - b.offset) < 1;
}

function inner(row: HTMLElement): Element {
  return row.querySelector(":scope > .message") ?? row;
}
