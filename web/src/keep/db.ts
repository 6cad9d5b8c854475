// IndexedDB by promises: only what is used of it.

export type Names = "overview" | "pages" | "posts" | "drafts";

const stores: Record<Names, string | null> = { overview: null, pages: "room", posts: "nonce", drafts: "room" };

const longest = 2000; // milliseconds; a database that takes longer to open is done without

/** Opens a database, which is made on first use. Whoever deletes it, or opens it as a newer version, is not kept waiting. */
export function openDatabase(name: string, version: number): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, version);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new Error("the database does not open"));
    }, longest);
    opening.onupgradeneeded = () => upgrade(opening.result);
    opening.onblocked = () => reject(new Error("the database is blocked"));
    opening.onerror = () => reject(opening.error ?? new Error("the database cannot be opened"));
    opening.onsuccess = () => {
      clearTimeout(timer);
      const db = opening.result;
      db.onversionchange = () => db.close();
      if (late) db.close();
      else resolve(db);
    };
  });
}

/** What was kept in another shape can be had again from the server; posts that wait are not worth a migration yet. */
function upgrade(db: IDBDatabase): void {
  for (const name of [...db.objectStoreNames]) db.deleteObjectStore(name);
  for (const [name, keyPath] of Object.entries(stores)) db.createObjectStore(name, keyPath ? { keyPath } : {});
}

export function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const deleting = indexedDB.deleteDatabase(name);
    deleting.onsuccess = () => resolve();
    deleting.onerror = () => reject(deleting.error ?? new Error("the database cannot be deleted"));
  });
}

export function answer<T>(r: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    r.onsuccess = () => resolve(r.result);
    r.onerror = () => reject(r.error ?? new Error("a request of the database failed"));
  });
}

/** Resolves when all of a transaction is written. */
export function done(t: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    t.oncomplete = () => resolve();
    t.onabort = () => reject(t.error ?? new Error("a transaction of the database was aborted"));
  });
}

/** A lost power supply may cost the last writes: the server has them, or they are to be sent again. */
export function writing(db: IDBDatabase, names: Names[]): IDBTransaction {
  return db.transaction(names, "readwrite", { durability: "relaxed" });
}
