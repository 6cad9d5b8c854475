// Brings pages of messages: one request at a time for each room, and after a failure a pause.

import { signal } from "@preact/signals";
import { Keyed } from "../store/keyed.ts";
import type { Store } from "../store/store.ts";
import type { Timeline } from "../store/timeline.ts";
import { api, type Place } from "../wire/api.ts";
import { OfflineError, ServerError } from "../wire/errors.ts";
import type { Page } from "../wire/types.ts";
import type { Missing } from "./missing.ts";
import { reasonOf } from "./reason.ts";

const pause = 3000;

export type Loading = "newest" | "older" | "newer" | "around";

export class Pager {
  readonly loading = new Keyed<Loading>();
  /** Counts the ends of pauses: who could not load may try again. */
  readonly resumed = signal(0);
  /** Brings what is kept of a room, if there is something. */
  kept: (room: string) => Promise<void> | undefined = () => undefined;
  private held: () => void = () => undefined;
  private readonly pauses = new Map<string, number>(); // room to when it may be asked again

  constructor(
    private readonly store: Store,
    private readonly missing: Missing,
    private readonly report: (message: string) => void,
  ) {}

  clear(): void {
    this.loading.clear();
    this.pauses.clear();
  }

  async newest(room: string): Promise<void> {
    if (!this.store.timeline(room).wantsNewest) return;
    await this.kept(room);
    if (!this.store.timeline(room).wantsNewest) return;
    await this.load(room, "newest", { kind: "newest" }, (t, p) => t.addNewest(p));
  }

  /** Asks for a page before it is known who asks; it is shown when release is called, or when it comes. */
  ahead(room: string): Promise<void> {
    const show = (p: Page): void => {
      for (const m of p.items) this.missing.user(m.user);
      this.store.timeline(room).addAhead(p);
    };
    return api.page(room, { kind: "newest" }).then(
      (p) => {
        if (this.store.me.peek()) show(p);
        else this.held = () => show(p);
      },
      () => undefined, // the room says why, when it is asked for again
    );
  }

  release(): void {
    this.held();
    this.held = () => undefined;
  }

  async older(room: string): Promise<void> {
    const t = this.store.timeline(room);
    const id = t.span.peek()?.from;
    if (!t.hasOlder || id === undefined) return;
    await this.load(room, "older", { kind: "before", id }, (now, p) => now.addBefore(id, p));
  }

  async newer(room: string): Promise<void> {
    const t = this.store.timeline(room);
    const id = t.span.peek()?.to;
    if (!t.hasNewer || id === undefined) return;
    await this.load(room, "newer", { kind: "after", id }, (now, p) => now.addAfter(id, p));
  }

  /** Shows the stretch around a message; tells whether there is one. */
  async around(room: string, id: string): Promise<boolean> {
    const t = this.store.timeline(room);
    if (!t.showAround(id)) await this.load(room, "around", { kind: "around", id }, (now, p) => now.addAround(id, p));
    return t.showAround(id);
  }

  /** Loads anew what is shown of a stretch that is not the newest, after a reset. */
  async again(room: string): Promise<void> {
    const id = this.store.timeline(room).shownAround;
    await this.load(room, "around", { kind: "around", id }, (now, p) => now.addAround(id, p));
  }

  private async load(room: string, kind: Loading, place: Place, add: (t: Timeline, p: Page) => void): Promise<void> {
    if (this.loading.has(room) || (this.pauses.get(room) ?? 0) > Date.now()) return;
    this.loading.set(room, kind);
    const t = this.store.timeline(room);
    const { epoch } = t;
    try {
      const page = await api.page(room, place);
      for (const m of page.items) this.missing.user(m.user);
      if (t.epoch === epoch) add(t, page);
    } catch (e) {
      this.failed(room, e);
    } finally {
      this.loading.delete(room);
    }
    if (t.epoch !== epoch && this.store.rooms.peek(room)) await this.newest(room);
  }

  private failed(room: string, e: unknown): void {
    const wait = e instanceof ServerError ? e.retryAfterMs : 0;
    const ms = Math.max(pause, wait);
    this.pauses.set(room, Date.now() + ms);
    setTimeout(() => this.resume(room), ms);
    if (!(e instanceof OfflineError)) this.report(reasonOf(e));
  }

  /** A pause is over; all are when the network is back. */
  resume(room?: string): void {
    if (room === undefined) this.pauses.clear();
    else this.pauses.delete(room);
    this.resumed.value++;
  }
}
