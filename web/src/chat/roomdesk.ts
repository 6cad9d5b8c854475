// Rooms: found, made, joined, left; and who is in them.

import type { Store } from "../store/store.ts";
import { api } from "../wire/api.ts";
import { hasCode } from "../wire/errors.ts";
import type { Room } from "../wire/types.ts";
import { words } from "../words/words.ts";
import { MemberPages } from "./memberpages.ts";
import type { Pager } from "./pager.ts";
import { reasonOf } from "./reason.ts";

export class RoomDesk {
  readonly members: MemberPages;

  constructor(
    private readonly store: Store,
    private readonly pager: Pager,
    private readonly report: (message: string) => void,
  ) {
    this.members = new MemberPages(store);
  }

  show(room: string): void {
    const { rooms, connection } = this.store;
    rooms.open.value = room;
    if (rooms.peek(room)?.role) this.refresh(room);
    else if (room && connection.peek() === "online") void this.peek(room);
  }

  /** Loads what is shown of a room. */
  refresh(room: string): void {
    void this.loadMembers(room);
    void this.pager.newest(room);
  }

  /** A room of a link that somebody was given: it can be shown if it is public. */
  private async peek(room: string): Promise<void> {
    try {
      this.entered(await api.room(room));
    } catch (e) {
      this.report(hasCode(e, "not_found") ? words.noSuchRoom : reasonOf(e));
      if (this.store.rooms.open.peek() === room) this.store.rooms.open.value = "";
    }
  }

  /**
   * What the next notice or visit tries again. An answer that knows less than has been told since it was asked for
   * would take counts back.
   */
  async loadRoom(id: string, tries = 3): Promise<void> {
    try {
      const r = await api.room(id);
      if (r.role === "") return;
      const known = this.store.rooms.peek(id)?.last?.id ?? "";
      if (known > (r.last?.id ?? "") && tries > 1) return this.loadRoom(id, tries - 1);
      this.store.setRoom(r);
      if (r.direct) await this.loadMembers(id);
    } catch (e) {
      console.warn(reasonOf(e));
    }
  }

  async loadMembers(room: string): Promise<void> {
    await this.members.load(room);
  }

  browse(): Promise<Room[]> {
    return api.publicRooms();
  }

  async make(name: string, topic: string, hidden: boolean): Promise<Room> {
    return this.entered(await api.createRoom({ name, topic, private: hidden }));
  }

  async join(room: string): Promise<Room> {
    return this.entered(await api.join(room));
  }

  async direct(username: string): Promise<Room> {
    const r = this.entered(await api.directRoom([username]));
    void this.loadMembers(r.id);
    return r;
  }

  private entered(r: Room): Room {
    this.store.setRoom(r);
    if (this.store.rooms.open.peek() === r.id && r.role) this.refresh(r.id);
    return r;
  }

  async leave(room: string): Promise<void> {
    await api.leave(room);
    this.store.removeRoom(room);
  }

  async add(room: string, username: string): Promise<void> {
    await api.addMember(room, username);
    await this.loadMembers(room);
  }
}
