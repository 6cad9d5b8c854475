// Writes to the keep what has changed in the store, now and then, when the page has nothing else to do.
//
// One transaction holds pages, rooms and the cursor, all as they are at one moment: so the pages never lack what
// the cursor says is known. One tab writes, as the Web Locks decide (where there are none: all do). Who finds that
// somebody else has written since knows nothing of the pages there, and writes all anew.

import type { Store } from "../store/store.ts";
import { done, writing } from "./db.ts";
import { dropGlance, putGlance } from "./glance.ts";
import type { Keep } from "./keep.ts";
import { databaseOf, most, type KeptPage, type Overview, type Weight } from "./shape.ts";

const everyMs = 2000;
const idleWithin = 5000;

/** What the tab knows of the kept content. */
export interface Books {
  /** Rooms whose messages have changed since they were written. */
  readonly dirty: Set<string>;
  /** Whether anything is to be written. */
  due: boolean;
  /** What is kept of other rooms; it is of no use any more once replace is set. */
  pages: Map<string, Weight>;
  turn: number;
  /** All pages there are to be replaced. */
  replace: boolean;
  /** Rooms with news whose page has not been read yet: until then nothing can be written. */
  readonly reading: ReadonlyMap<string, unknown>;
}

export class Keeper {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private release: (() => void) | null = null;
  private readonly waiting = new AbortController();
  private writes = false;

  constructor(
    private readonly user: string,
    private readonly keep: Keep,
    private readonly store: Store,
    private readonly books: Books,
    private readonly cursor: () => string,
  ) {}

  /** Waits for its turn to be the tab that writes. */
  start(): void {
    if (!navigator.locks) return this.elected();
    const held = (): Promise<void> => {
      this.elected();
      return new Promise((resolve) => (this.release = resolve));
    };
    navigator.locks.request(databaseOf(this.user), { signal: this.waiting.signal }, held).catch(() => undefined); // stopped
  }

  private elected(): void {
    this.writes = true;
    if (this.books.due) this.soon();
  }

  stop(): void {
    this.writes = false;
    clearTimeout(this.timer);
    this.waiting.abort();
    this.release?.();
  }

  /** Something has changed. */
  soon(): void {
    if (!this.writes) return;
    this.timer ??= setTimeout(() => whenIdle(() => void this.flush()), everyMs);
  }

  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { books } = this;
    if (!this.writes || !books.due) return;
    let now: Overview | null = null;
    const written = await this.keep.use((db) => {
      const t = writing(db, ["overview", "pages"]);
      const had = t.objectStore("overview").get("start") as IDBRequest<Overview | undefined>;
      had.onsuccess = () => (now = this.write(t, had.result?.turn ?? 0));
      return done(t).then(() => true);
    });
    if (!written) this.forget();
    else if (now) this.putGlance(now);
    if (books.due) this.soon();
  }

  /** What was to be written is not: the next time all is. */
  private forget(): void {
    this.books.replace = this.books.due = true;
  }

  /** Of what was just written; if more has happened since, that is written soon. */
  private putGlance(o: Overview): void {
    if (!this.books.due) putGlance(this.user, o, pageOf(this.store, o.open));
    else dropGlance();
  }

  /** Writes what the store holds now. */
  private write(t: IDBTransaction, turn: number): Overview | null {
    const { books, store } = this;
    const cursor = this.cursor();
    if (!this.writes || !cursor || books.reading.size > 0) return null;
    if (turn !== books.turn) books.replace = true;
    const pages = t.objectStore("pages");
    if (books.replace) {
      pages.clear();
      books.pages.clear();
      for (const room of store.timelineKeys()) books.dirty.add(room);
    }
    for (const room of books.dirty) this.writePage(pages, room);
    const shown = books.pages.get(store.rooms.open.peek());
    if (shown) shown.used = Date.now();
    for (const room of tooMuch([...books.pages.values()])) {
      pages.delete(room);
      books.pages.delete(room);
    }
    books.turn = turn + 1;
    const o = overview(store, cursor, turn + 1, [...books.pages.values()]);
    t.objectStore("overview").put(o, "start");
    books.dirty.clear();
    books.replace = books.due = false;
    store.kept.clear();
    for (const room of books.pages.keys()) store.kept.add(room);
    return o;
  }

  private writePage(pages: IDBObjectStore, room: string): void {
    const p = pageOf(this.store, room);
    if (!p) {
      pages.delete(room);
      this.books.pages.delete(room);
      return;
    }
    pages.put(p);
    this.books.pages.set(room, { room, bytes: weigh(p), used: Date.now() });
  }
}

/** The newest messages of a room, if it is known that none is missing. */
export function pageOf(store: Store, room: string): KeptPage | null {
  const newest = store.rooms.peek(room)?.role ? store.timeline(room).newestStretch() : null;
  if (!newest) return null;
  let at = newest.messages.length;
  let bytes = 0;
  while (at > 0 && newest.messages.length - at < most.messages) {
    bytes += weight(newest.messages[at - 1]!);
    if (bytes > most.roomBytes) break;
    at--;
  }
  if (at === 0) return { room, ...newest };
  const messages = newest.messages.slice(at);
  return messages.length > 0 ? { room, from: messages[0]!.id, messages } : null;
}

/** About what a message takes. */
function weight(m: { body: string }): number {
  return 2 * m.body.length + 300;
}

function weigh(p: KeptPage): number {
  return p.messages.reduce((sum, m) => sum + weight(m), 0);
}

/** The rooms whose pages go, those that were longest of no use first. */
export function tooMuch(pages: Weight[]): string[] {
  let bytes = 0;
  const newestFirst = [...pages].sort((a, b) => b.used - a.used);
  return newestFirst.filter((p, i) => (bytes += p.bytes) > most.bytes || i >= most.rooms).map((p) => p.room);
}

function overview(store: Store, cursor: string, turn: number, pages: Weight[]): Overview {
  const rooms = store.rooms.joined.peek();
  const direct = rooms.filter((r) => r.direct).map((r): Overview["direct"][number] => [r.id, store.people.members.peek(r.id) ?? []]);
  const users = store.people.users.peekKeys().slice(-most.users).map((id) => store.people.users.peek(id)!);
  return { turn, cursor, open: store.rooms.open.peek(), rooms: [...rooms], users, direct, pages };
}

function whenIdle(f: () => void): void {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(f, { timeout: idleWithin });
  else f();
}
