// Every change of the message list's scroll position goes through settle.

const nearBottom = 48;

export class Scroller {
  stuck = true; // to the newest
  private anchor: { element: Element; offset: number } | null = null;

  /** moved is called after each scroll, the user's or ours. */
  constructor(
    private readonly viewport: HTMLElement,
    private readonly content: HTMLElement,
    private readonly moved: () => void,
  ) {
    viewport.addEventListener("scroll", () => {
      this.note();
      this.moved();
    });
    const resized = new ResizeObserver(() => this.settle());
    resized.observe(viewport);
    resized.observe(content);
  }

  /** Changes the content; what the user looks at stays where it is, and who is at the bottom stays there. */
  change(mutate: () => void): void {
    this.note();
    mutate();
    this.settle();
  }

  toBottom(): void {
    this.stuck = true;
    this.settle();
  }

  toElement(e: Element): void {
    this.stuck = false;
    this.anchor = { element: e, offset: this.viewport.clientHeight / 3 };
    this.settle();
  }

  get top(): number {
    return this.viewport.scrollTop;
  }

  /** Remembers what is looked at: the first row in view, and where in the view it stands. */
  private note(): void {
    const { scrollHeight, scrollTop, clientHeight } = this.viewport;
    this.stuck = scrollHeight - scrollTop - clientHeight < nearBottom;
    const edge = this.viewport.getBoundingClientRect().top;
    const rows = this.content.children;
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (rows[mid]!.getBoundingClientRect().bottom <= edge) low = mid + 1;
      else high = mid;
    }
    const element = rows[low];
    this.anchor = element ? { element, offset: element.getBoundingClientRect().top - edge } : null;
  }

  private settle(): void {
    const v = this.viewport;
    if (this.stuck) {
      v.scrollTop = v.scrollHeight;
    } else if (this.anchor?.element.isConnected) {
      const now = this.anchor.element.getBoundingClientRect().top - v.getBoundingClientRect().top;
      v.scrollTop += now - this.anchor.offset;
    }
  }
}
