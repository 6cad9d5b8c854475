// Who there is: users, the members of rooms, and who is here now.

import { batch } from "@preact/signals";
import type { Member, Notice, Status, User } from "../wire/types.ts";
import { Keyed } from "./keyed.ts";

type Joined = Extract<Notice, { type: "member_joined" }>;

export class People {
  readonly users = new Keyed<User>();
  readonly members = new Keyed<Member[]>(); // by room
  readonly moreMembers = new Keyed<string>(); // by room, where its next page of members begins; absent when all are here
  readonly presence = new Keyed<Status>();
  readonly online = new Keyed<number>(); // of large rooms
  private present = ""; // who is connected here

  clear(): void {
    this.present = "";
    for (const k of [this.users, this.members, this.moreMembers, this.presence, this.online]) k.clear();
  }

  nameOf(user: string): string {
    const u = this.users.get(user);
    return u ? u.display_name || u.username : "…";
  }

  statusOf(user: string): Status {
    return this.presence.get(user) ?? "offline";
  }

  /** Takes a user for here from now on, though a page of members that was asked for before tells otherwise. */
  connected(user: string): void {
    this.present = user;
    if (this.statusOf(user) === "offline") this.presence.set(user, "online");
  }

  setMembers(room: string, members: Member[], next: string | null = null): void {
    batch(() => {
      this.members.set(room, []);
      this.addPage(room, members, next);
    });
  }

  /** Adds a page; next is where the one after it begins. */
  addMembers(room: string, members: Member[], next: string | null): void {
    batch(() => this.addPage(room, members, next));
  }

  private addPage(room: string, members: Member[], next: string | null): void {
    const told = new Set(members.map((m) => m.id));
    const had = this.members.peek(room) ?? [];
    this.members.set(room, [...had.filter((m) => !told.has(m.id)), ...members]);
    if (next) this.moreMembers.set(room, next);
    else this.moreMembers.delete(room);
    for (const m of members) {
      this.users.set(m.id, m);
      const status = m.status ?? "offline";
      if (status !== "offline" || m.id !== this.present) this.presence.set(m.id, status);
    }
  }

  joined(n: Joined): void {
    const known = this.users.peek(n.user);
    const user: User = {
      id: n.user,
      username: n.username ?? known?.username ?? "",
      display_name: n.display_name ?? "",
      role: known?.role ?? "user",
      bot: known?.bot ?? false,
    };
    if (user.username) this.users.set(user.id, user);
    if (n.status) this.presence.set(n.user, n.status);
    const member: Member = { ...user, room_role: n.role ?? "member" };
    this.members.update(n.room, (had) => [...had.filter((m) => m.id !== n.user), member]);
  }

  left(room: string, user: string): void {
    this.members.update(room, (had) => had.filter((m) => m.id !== user));
  }

  renamed({ id, username, display_name, role, bot }: User): void {
    const user = { id, username, display_name, role, bot };
    this.users.set(id, user);
    for (const room of this.members.peekKeys()) {
      this.members.update(room, (had) => (had.some((m) => m.id === id) ? had.map((m) => (m.id === id ? { ...m, ...user } : m)) : had));
    }
  }
}
