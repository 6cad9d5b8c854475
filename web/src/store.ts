// All that this client knows of the chat. It knows no DOM and no network: notices and
// pages come in, views read and are told which topics changed.

import { react, Timeline } from "./timeline.ts";
import type { State } from "./connection.ts";
import type { Member, Message, Notice, Ready, Room, RoomFacts, Status, User } from "./types.ts";

export type Topic = "me" | "rooms" | "messages" | "users" | "members" | "typing" | "connection" | "open";

export const unreadLimit = 100;
const typingFor = 5000;

export class Store {
  me: User | null = null;
  connection: State = "offline";
  open = ""; // the room that is shown
  readonly rooms = new Map<string, Room>();
  readonly timelines = new Map<string, Timeline>();
  readonly users = new Map<string, User>();
  readonly members = new Map<string, Member[]>();
  readonly presence = new Map<string, Status>();
  readonly online = new Map<string, number>(); // of large rooms
  readonly quotes = new Map<string, Message | null>(); // replied to, by id; null while being fetched or gone
  private readonly typists = new Map<string, Map<string, number>>(); // room to user to until when
  private readonly typingCounts = new Map<string, number>();

  private readonly listeners = new Set<(topics: Set<Topic>) => void>();
  private changes = new Set<Topic>();

  constructor(private readonly now: () => number = Date.now) {}

  /** Calls f after changes, once for all that happen in one turn. */
  subscribe(f: (topics: Set<Topic>) => void): void {
    this.listeners.add(f);
  }

  changed(...topics: Topic[]): void {
    if (this.changes.size === 0) queueMicrotask(() => this.tell());
    for (const t of topics) this.changes.add(t);
  }

  private tell(): void {
    const topics = this.changes;
    this.changes = new Set();
    for (const f of this.listeners) f(topics);
  }

  signedIn(user: User): void {
    this.me = user;
    this.users.set(user.id, user);
    this.changed("me", "users");
  }

  signedOut(): void {
    this.me = null;
    this.open = "";
    for (const m of [this.rooms, this.timelines, this.users, this.members, this.presence, this.online, this.quotes]) {
      m.clear();
    }
    this.typists.clear();
    this.changed("me", "rooms", "messages", "users", "members", "typing", "open");
  }

  setConnection(s: State): void {
    this.connection = s;
    this.changed("connection");
  }

  show(room: string): void {
    this.open = room;
    this.changed("open", "messages", "members", "typing", "rooms");
  }

  timeline(room: string): Timeline {
    let t = this.timelines.get(room);
    if (!t) {
      t = new Timeline(this.me?.id ?? "");
      this.timelines.set(room, t);
    }
    return t;
  }

  setRoom(r: Room): void {
    this.rooms.set(r.id, r);
    this.changed("rooms");
  }

  removeRoom(id: string): void {
    this.rooms.delete(id);
    this.timelines.delete(id);
    this.members.delete(id);
    this.changed("rooms", "messages", "members");
  }

  setUser(u: User): void {
    this.users.set(u.id, u);
    this.changed("users");
  }

  setMembers(room: string, members: Member[]): void {
    this.members.set(room, members);
    for (const m of members) {
      this.users.set(m.id, m);
      this.presence.set(m.id, m.status ?? "offline");
    }
    this.changed("members", "users", "rooms");
  }

  setQuote(id: string, m: Message | null): void {
    this.quotes.set(id, m);
    this.changed("messages");
  }

  nameOf(user: string): string {
    const u = this.users.get(user);
    return u ? u.display_name || u.username : "…";
  }

  /** Direct rooms are called by their other members. */
  titleOf(r: RoomFacts): string {
    if (!r.direct) return r.name;
    const others = this.others(r.id);
    return others.length > 0 ? others.map((m) => this.nameOf(m.id)).join(", ") : "Direct message";
  }

  others(room: string): Member[] {
    return (this.members.get(room) ?? []).filter((m) => m.id !== this.me?.id);
  }

  joined(): Room[] {
    return [...this.rooms.values()].filter((r) => r.role !== "");
  }

  unreadTotal(): number {
    return this.joined().reduce((n, r) => n + r.unread, 0);
  }

  typing(room: string): { users: string[]; count: number } {
    const now = this.now();
    const users = [...(this.typists.get(room) ?? [])].filter(([, until]) => until > now).map(([u]) => u);
    return { users, count: this.typingCounts.get(room) ?? users.length };
  }

  /** The user has seen all up to a message. Of what came after it the counts stay. */
  markRead(room: string, id: string): void {
    const r = this.rooms.get(room);
    if (!r || r.last_read >= id) return;
    const all = !r.last || r.last.id <= id;
    this.setRoom({ ...r, last_read: id, unread: all ? 0 : r.unread, mentions: all ? 0 : r.mentions });
  }

  apply(n: Notice): void {
    switch (n.type) {
      case "ready":
        return this.ready(n);
      case "reset":
        return this.reset();
      case "message":
        return this.message(n);
      case "message_edited":
        return this.changeMessage(n.room, n.id, (m) => ({
          ...m,
          body: n.body,
          edited_at: n.edited_at,
          mentions: n.mentions ?? [],
          everyone: n.everyone ?? false,
        }));
      case "message_deleted":
        return n.duplicate ? this.removeMessage(n.room, n.id) : this.changeMessage(n.room, n.id, deleted);
      case "reaction":
        return this.changeMessage(n.room, n.id, (m) =>
          react(m, n.emoji, n.count, n.user === this.me?.id ? !n.remove : null),
        );
      case "room_updated":
        return this.updateRoom(n);
      case "room_deleted":
        return this.removeRoom(n.room);
      case "member_joined":
        return this.memberJoined(n);
      case "member_left":
        return this.memberLeft(n.room, n.user);
      case "read":
        return n.user === this.me?.id ? this.markRead(n.room, n.id) : undefined;
      case "typing":
        return this.someoneTypes(n.room, n.user, n.count);
      case "user_updated":
        return this.userUpdated(n);
      case "presence":
        return this.setPresence(n);
    }
  }

  private ready(n: Ready): void {
    this.signedIn(n.user);
    const had = [...this.rooms.keys()];
    const has = new Set(n.rooms.map((r) => r.id));
    for (const id of had) if (!has.has(id)) this.removeRoom(id);
    for (const r of n.rooms) this.rooms.set(r.id, r);
    if (!n.resumed) this.reset();
    this.changed("rooms");
  }

  private reset(): void {
    for (const t of this.timelines.values()) t.reset();
    this.quotes.clear();
    this.changed("messages");
  }

  private message(m: Message): void {
    this.timelines.get(m.room)?.addMessage(m);
    this.typists.get(m.room)?.delete(m.user);
    const r = this.rooms.get(m.room);
    // What is not newer than the room as we got it has been counted there.
    if (r && (!r.last || m.id > r.last.id)) {
      const news = m.user !== this.me?.id && m.id > r.last_read;
      const named = news && (m.everyone || m.mentions?.includes(this.me?.id ?? ""));
      this.rooms.set(m.room, {
        ...r,
        last: { id: m.id, at: m.at },
        unread: Math.min(unreadLimit, r.unread + (news ? 1 : 0)),
        mentions: Math.min(unreadLimit, r.mentions + (named ? 1 : 0)),
      });
    }
    this.changed("messages", "rooms", "typing");
  }

  private changeMessage(room: string, id: string, change: (m: Message) => Message): void {
    this.timelines.get(room)?.change(id, change);
    const quote = this.quotes.get(id);
    if (quote) this.quotes.set(id, change(quote));
    this.changed("messages");
  }

  private removeMessage(room: string, id: string): void {
    this.timelines.get(room)?.remove(id);
    this.changed("messages");
  }

  private updateRoom(facts: RoomFacts): void {
    const r = this.rooms.get(facts.id);
    if (!r) return;
    const { id, name, topic, private: hidden, direct, members } = facts;
    this.setRoom({ ...r, id, name, topic, private: hidden, direct, members });
  }

  private memberJoined(n: Extract<Notice, { type: "member_joined" }>): void {
    const known = this.users.get(n.user);
    const user: User = {
      id: n.user,
      username: n.username ?? known?.username ?? "",
      display_name: n.display_name ?? "",
      role: known?.role ?? "user",
      bot: known?.bot ?? false,
    };
    if (user.username) this.setUser(user);
    if (n.status) this.presence.set(n.user, n.status);
    const members = this.members.get(n.room);
    if (members) {
      const member: Member = { ...user, room_role: n.role ?? "member" };
      this.members.set(n.room, [...members.filter((m) => m.id !== n.user), member]);
    }
    const r = this.rooms.get(n.room);
    if (r && n.user === this.me?.id) this.setRoom({ ...r, role: n.role ?? r.role });
    this.changed("members");
  }

  private userUpdated({ id, username, display_name, role, bot }: User): void {
    const user = { id, username, display_name, role, bot };
    this.setUser(user);
    for (const [room, members] of this.members) {
      this.members.set(room, members.map((m) => (m.id === id ? { ...m, ...user } : m)));
    }
    this.changed("members", "messages");
  }

  private memberLeft(room: string, user: string): void {
    if (user === this.me?.id) return this.removeRoom(room);
    const members = this.members.get(room);
    if (members) this.members.set(room, members.filter((m) => m.id !== user));
    this.changed("members");
  }

  private someoneTypes(room: string, user: string | undefined, count: number | undefined): void {
    if (user === undefined) {
      this.typingCounts.set(room, count ?? 0);
    } else {
      const users = this.typists.get(room) ?? new Map<string, number>();
      users.set(user, this.now() + typingFor);
      this.typists.set(room, users);
    }
    this.changed("typing");
  }

  private setPresence(n: Extract<Notice, { type: "presence" }>): void {
    if (n.user && n.status) this.presence.set(n.user, n.status);
    if (n.room && n.online !== undefined) this.online.set(n.room, n.online);
    this.changed("members", "rooms");
  }
}

function deleted(m: Message): Message {
  const { reactions: _, ...rest } = m;
  return { ...rest, body: "", deleted: true };
}
