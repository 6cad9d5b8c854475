// What is shown and not here: fetched once each, when it is first missed.

import type { Store } from "../store/store.ts";
import { api } from "../wire/api.ts";
import { OfflineError } from "../wire/errors.ts";

const most = 2000;

export class Missing {
  private readonly asked = new Set<string>();

  constructor(private readonly store: Store) {}

  /** What could not be had may be there now. */
  forget(): void {
    this.asked.clear();
  }

  user(id: string): void {
    if (this.store.people.users.has(id)) return;
    this.once(id, async () => this.store.people.users.set(id, await api.user(id)));
  }

  quote(room: string, id: string): void {
    if (this.store.timeline(room).message(id) || this.store.quotes.has(id)) return;
    this.once(id, async () => {
      const m = await api.message(room, id);
      this.store.setQuote(m);
      this.user(m.user);
    });
  }

  private once(id: string, fetch: () => Promise<void>): void {
    if (this.asked.has(id)) return;
    if (this.asked.size >= most) this.asked.clear();
    this.asked.add(id);
    fetch().catch((e: unknown) => {
      if (e instanceof OfflineError) this.asked.delete(id);
      // Else it is gone or hidden, and the page shows that it does not know it.
    });
  }
}
