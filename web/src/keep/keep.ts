// What the browser keeps of one account between two starts. A database that is broken, full or refused is done
// without: the page is as it would be on a first start, and says so once in the console.

import { answer, deleteDatabase, done, openDatabase, writing } from "./db.ts";
import { databaseOf, version, type KeptDraft, type KeptPage, type KeptPost, type Overview, type Start } from "./shape.ts";

const draftsWait = 300;
const nothing: Start = { overview: null, page: null, posts: [], drafts: [] };

export class Keep {
  private readonly opened: Promise<IDBDatabase | null>;
  private readonly drafts = new Map<string, string>(); // that are to be written
  private timer: ReturnType<typeof setTimeout> | undefined;
  private broken = false;
  private closed = false;

  constructor(private readonly user: string) {
    this.opened = this.open();
  }

  private async open(): Promise<IDBDatabase | null> {
    try {
      return await openDatabase(databaseOf(this.user), version);
    } catch (e) {
      return this.without(e);
    }
  }

  private without(e: unknown): null {
    if (!this.broken && !this.closed) console.info("Nothing is kept in this browser:", e);
    this.broken = true;
    return null;
  }

  /** Does something with the database; null if that is not to be. */
  async use<T>(what: (db: IDBDatabase) => Promise<T>): Promise<T | null> {
    const db = this.broken || this.closed ? null : await this.opened;
    if (!db || this.closed) return null;
    try {
      return await what(db);
    } catch (e) {
      return this.without(e);
    }
  }

  /** What a start needs, with the page of a room or else of the room that was shown last. */
  async start(room: string): Promise<Start> {
    const read = await this.use(async (db): Promise<Start> => {
      const t = db.transaction(["overview", "pages", "posts", "drafts"]);
      const posts = answer<KeptPost[]>(t.objectStore("posts").getAll());
      const drafts = answer<KeptDraft[]>(t.objectStore("drafts").getAll());
      const overview = (await answer<Overview | undefined>(t.objectStore("overview").get("start"))) ?? null;
      const page = await answer<KeptPage | undefined>(t.objectStore("pages").get(room || overview?.open || "?"));
      return { overview, page: page ?? null, posts: (await posts).sort((a, b) => a.seq - b.seq), drafts: await drafts };
    });
    return read ?? nothing;
  }

  async page(room: string): Promise<KeptPage | null> {
    return (await this.use((db) => answer<KeptPage | undefined>(db.transaction("pages").objectStore("pages").get(room)))) ?? null;
  }

  putPost(p: KeptPost): void {
    void this.write("posts", (s) => void s.put(p));
  }

  dropPost(nonce: string): void {
    void this.write("posts", (s) => void s.delete(nonce));
  }

  /** Of a word that is being written only a state now and then. */
  putDraft(room: string, text: string): void {
    this.drafts.set(room, text);
    this.timer ??= setTimeout(() => this.writeDrafts(), draftsWait);
  }

  writeDrafts(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const drafts = [...this.drafts];
    this.drafts.clear();
    if (drafts.length === 0) return;
    void this.write("drafts", (s) => {
      for (const [room, text] of drafts) text ? s.put({ room, text }) : s.delete(room);
    });
  }

  private write(name: "posts" | "drafts", what: (s: IDBObjectStore) => void): Promise<void | null> {
    return this.use((db) => {
      const t = writing(db, [name]);
      what(t.objectStore(name));
      t.commit(); // at once: a page that ends now would abort it
      return done(t);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    (await this.opened)?.close();
  }

  /** The account is left: nothing of it stays here. */
  async erase(): Promise<void> {
    await this.close();
    try {
      await deleteDatabase(databaseOf(this.user));
    } catch {
      // There was none, or there is no deleting it: said when it was opened.
    }
  }
}
