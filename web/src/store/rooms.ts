// The rooms that are known, and how much in them is unread.

import { computed, signal } from "@preact/signals";
import type { Message, Room, RoomFacts, RoomRole } from "../wire/types.ts";
import { Keyed } from "./keyed.ts";

/** The server counts no further. */
export const unreadLimit = 100;

export class Rooms {
  private readonly all = new Keyed<Room>();
  /** The one that is shown; "" for none. */
  readonly open = signal("");

  readonly joined = computed(() => this.all.keys.map((id) => this.all.get(id)!).filter((r) => r.role !== ""));
  readonly unread = computed(() => this.joined.value.reduce((n, r) => n + r.unread, 0));

  get(id: string): Room | undefined {
    return this.all.get(id);
  }

  peek(id: string): Room | undefined {
    return this.all.peek(id);
  }

  set(r: Room): void {
    this.all.set(r.id, r);
  }

  delete(id: string): void {
    this.all.delete(id);
  }

  clear(): void {
    this.open.value = "";
    this.all.clear();
  }

  /** Takes the server's list for the truth; returns the rooms that are no more. */
  replace(rooms: Room[]): string[] {
    const has = new Set(rooms.map((r) => r.id));
    const gone = this.all.peekKeys().filter((id) => !has.has(id));
    for (const r of rooms) this.all.set(r.id, r);
    return gone;
  }

  setFacts({ id, name, topic, private: hidden, direct, members, archived = false }: RoomFacts): void {
    this.all.update(id, (r) => ({ ...r, name, topic, private: hidden, direct, members, archived }));
  }

  setRole(id: string, role: RoomRole): void {
    this.all.update(id, (r) => ({ ...r, role }));
  }

  /** Counts a message. What is not newer than the room as we got it has been counted there. */
  count(m: Message, me: string): void {
    this.all.update(m.room, (r) => {
      if (r.last && m.id <= r.last.id) return r;
      const news = m.user !== me && m.id > r.last_read;
      const named = news && (m.everyone || m.mentions?.includes(me));
      return {
        ...r,
        last: { id: m.id, at: m.at },
        unread: Math.min(unreadLimit, r.unread + (news ? 1 : 0)),
        mentions: Math.min(unreadLimit, r.mentions + (named ? 1 : 0)),
      };
    });
  }

  /** The user has seen all up to a message. Of what came after it the counts stay. */
  markRead(room: string, id: string): void {
    this.all.update(room, (r) => {
      if (r.last_read >= id) return r;
      const all = !r.last || r.last.id <= id;
      return { ...r, last_read: id, unread: all ? 0 : r.unread, mentions: all ? 0 : r.mentions };
    });
  }
}
