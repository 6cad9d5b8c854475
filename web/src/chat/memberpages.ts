// Brings the members of rooms page by page: a first one at once, more as somebody scrolls or looks for a name.

import type { Store } from "../store/store.ts";
import { api } from "../wire/api.ts";
import type { Member } from "../wire/types.ts";
import { reasonOf } from "./reason.ts";

const mostUnasked = 1000; // are loaded without anybody scrolling to them
const mostNamed = 250; // of larger rooms the server tells how many are here, and not who
const pause = 3000;

export class MemberPages {
  private readonly running = new Map<string, Promise<void>>(); // by room: one after the other
  private readonly pauses = new Map<string, number>(); // room to when it may be asked again

  constructor(private readonly store: Store) {}

  /** Loads as many anew as there were. */
  load(room: string): Promise<void> {
    return this.inTurn(room, () => this.again(room));
  }

  /** Loads the next page, if there is one. */
  more(room: string): Promise<void> {
    const next = this.store.people.moreMembers.peek(room);
    if (!next || (this.pauses.get(room) ?? 0) > Date.now()) return Promise.resolve();
    return this.running.get(room) ?? this.inTurn(room, () => this.next(room, next));
  }

  /** Loads as many as one may look for by name. */
  async many(room: string): Promise<void> {
    const { people } = this.store;
    for (let had = -1; ; ) {
      const have = people.members.peek(room)?.length ?? 0;
      if (have >= mostUnasked || have === had || !people.moreMembers.peek(room)) return;
      had = have;
      await this.more(room);
    }
  }

  private inTurn(room: string, what: () => Promise<void>): Promise<void> {
    const before = this.running.get(room) ?? Promise.resolve();
    const turn = before.then(what).catch((e: unknown) => {
      this.pauses.set(room, Date.now() + pause);
      console.warn(reasonOf(e));
    });
    this.running.set(room, turn);
    return turn.finally(() => {
      if (this.running.get(room) === turn) this.running.delete(room);
    });
  }

  private async again(room: string): Promise<void> {
    const { people, rooms } = this.store;
    const all = (rooms.peek(room)?.members ?? 0) <= mostNamed;
    const wanted = all ? mostNamed : Math.min(people.members.peek(room)?.length ?? 0, mostUnasked);
    const found: Member[] = [];
    let next: string | null = "";
    do {
      const page: { items: Member[]; next: string | null } = await api.members(room, next);
      found.push(...page.items);
      next = page.next;
    } while (next !== null && found.length < wanted);
    if (this.store.me.peek()) people.setMembers(room, found, next);
  }

  private async next(room: string, after: string): Promise<void> {
    const { items, next } = await api.members(room, after);
    if (this.store.rooms.peek(room)) this.store.people.addMembers(room, items, next); // else it was left meanwhile
  }
}
