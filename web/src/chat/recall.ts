// What this browser remembers of an account: put into the store at a start, and kept up as the store changes.
//
// A kept page counts as if this page had been asleep since: what has happened comes by the cursor. Pages of rooms
// that are not shown are read when there is news of them, or when they are opened.

import { dropGlance, glanceAt, type Glance } from "../keep/glance.ts";
import { Keep } from "../keep/keep.ts";
import type { Books, Keeper } from "../keep/keeper.ts";
import type { KeptPage, Overview, Weight } from "../keep/shape.ts";
import { Tabs, type Told } from "../keep/tabs.ts";
import { rememberUser } from "../keep/who.ts";
import type { Store, Watcher } from "../store/store.ts";
import type { User } from "../wire/types.ts";
import type { Posting } from "./posting.ts";

export interface Remembered {
  cursor: string;
  open: string;
}

export class Recall implements Watcher, Books {
  readonly dirty = new Set<string>();
  pages = new Map<string, Weight>();
  turn = -1;
  replace = true;
  due = false;
  readonly reading = new Map<string, Promise<void>>();
  private readonly keep: Keep;
  private readonly tabs: Tabs;
  private keeper: Keeper | null = null;
  private over = false;
  private glanced: Glance | null = null;

  constructor(
    private readonly user: User,
    private readonly store: Store,
    private readonly posting: Posting,
    hear: (t: Told) => void,
  ) {
    this.keep = new Keep(user.id);
    this.tabs = new Tabs(user.id, hear);
    store.watcher = this;
    store.drafts.written = (room, text) => {
      this.keep.putDraft(room, text);
      this.tabs.tell({ kind: "draft", room, text });
    };
    posting.box = this.keep;
    rememberUser(user);
  }

  tell(t: Told): void {
    this.tabs.tell(t);
  }

  /** Shows what there is a glance of, at once: tells of which room, if there is one. */
  glance(room: string): string | null {
    const g = (this.glanced = glanceAt(this.user.id, room));
    if (!g) return null;
    this.store.recall(g.rooms, g.users, g.direct);
    this.store.timeline(g.page.room).addKept(g.page.from, g.page.messages);
    return g.open;
  }

  /** Puts what is remembered into the store; a room of which a page is wanted, or "" for the one last shown. */
  async begin(room: string): Promise<Remembered> {
    const { overview, page, posts, drafts } = await this.keep.start(room);
    if (this.over) return { cursor: "", open: "" };
    const { glanced } = this;
    if (glanced && glanced.turn !== overview?.turn) this.store.timeline(glanced.page.room).forget();
    if (overview) this.take(overview, page);
    for (const d of drafts) this.store.drafts.tell(d.room, d.text);
    this.posting.restore(posts);
    return { cursor: overview?.cursor ?? "", open: overview?.open ?? "" };
  }

  private take(o: Overview, page: KeptPage | null): void {
    this.turn = o.turn;
    this.replace = false;
    this.store.recall(o.rooms, o.users, o.direct);
    for (const p of o.pages) {
      this.pages.set(p.room, p);
      this.store.kept.add(p.room);
    }
    if (page) this.store.timeline(page.room).addKept(page.from, page.messages);
    this.dirty.clear();
    this.due = false;
  }

  // As the watcher of the store.

  changed(room?: string): void {
    if (room !== undefined) this.dirty.add(room);
    this.due = true;
    this.keeper?.soon();
  }

  wanted(room: string): void {
    void this.read(room);
  }

  /** Brings a page that is kept and not here. */
  read(room: string): Promise<void> | undefined {
    if (!this.store.kept.has(room) || !this.pages.has(room)) return undefined;
    const running = this.reading.get(room);
    if (running) return running;
    this.dirty.add(room); // whatever comes of it, what is kept is older than what is known
    const t = this.store.timeline(room);
    const { epoch } = t;
    const reading = this.keep.page(room).then((p) => {
      this.reading.delete(room);
      if (p && !this.over && t.epoch === epoch && t.wantsNewest) t.addKept(p.from, p.messages);
      this.changed(room);
    });
    this.reading.set(room, reading);
    return reading;
  }

  /** The server cannot say what has happened since: what is kept is of no use. */
  reset(): void {
    this.replace = true;
    this.changed();
  }

  /** Goes on to write, once there is time to load what does that. */
  async write(cursor: () => string): Promise<void> {
    const { Keeper } = await import("../keep/keeper.ts");
    if (this.over || this.keeper) return;
    this.keeper = new Keeper(this.user.id, this.keep, this.store, this, cursor);
    this.keeper.start();
  }

  /** The page may end at any moment. */
  hurry(): void {
    this.keep.writeDrafts();
    void this.keeper?.flush();
  }

  /** The account is left. */
  async end(): Promise<void> {
    this.over = true;
    this.keeper?.stop();
    this.tabs.close();
    this.store.watcher = this.posting.box = null;
    this.store.drafts.written = () => undefined;
    rememberUser(null);
    dropGlance();
    await this.keep.erase();
  }
}
