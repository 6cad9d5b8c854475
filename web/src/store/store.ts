// All that this client knows of the chat. It knows no DOM and no network: notices and pages come in, views read.

import { batch, signal } from "@preact/signals";
import type { Member, Message, Notice, Ready, Room, RoomFacts, User } from "../wire/types.ts";
import { Drafts } from "./drafts.ts";
import { deleted, edited, type Edit } from "./early.ts";
import { Keyed } from "./keyed.ts";
import { People } from "./people.ts";
import { Places } from "./places.ts";
import { react } from "./reactions.ts";
import { Rooms } from "./rooms.ts";
import { Timeline } from "./timeline.ts";
import { Typing } from "./typing.ts";

export type Connectivity = "offline" | "connecting" | "online" | "waiting";

const mostQuotes = 500;

/** Who keeps what is here. */
export interface Watcher {
  /** Something has changed; of a room, in its messages. */
  changed(room?: string): void;
  /** There is news of a room of which a page is kept that is not here yet. */
  wanted(room: string): void;
}

export class Store {
  readonly me = signal<User | null>(null);
  readonly connection = signal<Connectivity>("offline");
  readonly rooms = new Rooms();
  readonly people = new People();
  readonly typing = new Typing();
  readonly drafts = new Drafts();
  readonly places = new Places();
  readonly quotes = new Keyed<Message>(); // messages replied to that are on no page here
  /** Whether another build of the page is here and waits for this one to end. */
  readonly newVersion = signal(false);
  /** Rooms of which a page is kept, whether it is here or not. */
  readonly kept = new Set<string>();
  watcher: Watcher | null = null;
  private readonly timelines = new Map<string, Timeline>();

  get myId(): string {
    return this.me.peek()?.id ?? "";
  }

  signedIn(user: User): void {
    const { me } = this;
    if (JSON.stringify(me.peek()) !== JSON.stringify(user)) me.value = user;
    this.people.users.set(user.id, user);
  }

  signedOut(): void {
    batch(() => {
      this.me.value = null;
      this.timelines.clear();
      this.kept.clear();
      for (const part of [this.rooms, this.people, this.typing, this.drafts, this.places, this.quotes]) part.clear();
    });
  }

  timeline(room: string): Timeline {
    let t = this.timelines.get(room);
    if (!t) {
      t = new Timeline(this.myId, () => this.watcher?.changed(room));
      this.timelines.set(room, t);
    }
    return t;
  }

  timelineKeys(): string[] {
    return [...this.timelines.keys()];
  }

  /** The timeline that news of a room belongs in: none where nothing of the room is known. */
  private told(room: string): Timeline | undefined {
    const t = this.timelines.get(room);
    if (t || !this.kept.has(room)) return t;
    const made = this.timeline(room);
    this.watcher?.wanted(room);
    return made;
  }

  removeRoom(id: string): void {
    batch(() => {
      this.timelines.delete(id);
      this.kept.delete(id);
      this.people.members.delete(id);
      this.people.moreMembers.delete(id);
      this.places.leave(id, null);
      this.rooms.delete(id);
      this.watcher?.changed(id);
    });
  }

  setQuote(m: Message): void {
    this.quotes.set(m.id, m);
    const keys = this.quotes.peekKeys();
    if (keys.length > mostQuotes) this.quotes.delete(keys[0]!);
  }

  /** The message that another one answers, as far as it is here. */
  quoted(room: string, id: string): Message | undefined {
    return this.timelines.get(room)?.byId(id)?.shown.value.message ?? this.quotes.get(id);
  }

  /** Direct rooms are called by their other members. */
  titleOf(r: RoomFacts): string {
    if (!r.direct) return r.name;
    return this.others(r.id).map((id) => this.people.nameOf(id)).join(", ");
  }

  others(room: string): string[] {
    const me = this.me.value?.id;
    return (this.people.members.get(room) ?? []).filter((m) => m.id !== me).map((m) => m.id);
  }

  /** Takes what was kept, until the server tells how it is. */
  recall(rooms: Room[], users: User[], direct: readonly (readonly [room: string, members: Member[]])[]): void {
    batch(() => {
      for (const u of users) this.people.users.set(u.id, u);
      for (const [room, members] of direct) this.people.members.set(room, members);
      for (const r of rooms) this.rooms.set(r);
    });
  }

  apply(n: Notice): void {
    batch(() => this.applyNow(n));
    this.watcher?.changed();
  }

  private applyNow(n: Notice): void {
    switch (n.type) {
      case "ready":
        return this.ready(n);
      case "reset":
        return this.reset();
      case "message":
        return this.message(n);
      case "message_edited":
        return this.messageEdited(n);
      case "message_deleted":
        return this.messageDeleted(n.room, n.id, n.duplicate ?? false);
      case "reaction":
        return this.reaction(n);
      case "room_updated":
        return this.rooms.setFacts(n);
      case "room_deleted":
        return this.removeRoom(n.room);
      case "member_joined":
        this.people.joined(n);
        if (n.user === this.myId && n.role) this.rooms.setRole(n.room, n.role);
        return;
      case "member_left":
        return n.user === this.myId ? this.removeRoom(n.room) : this.people.left(n.room, n.user);
      case "read":
        return n.user === this.myId ? this.rooms.markRead(n.room, n.id) : undefined;
      case "typing":
        return this.someoneTypes(n);
      case "user_updated":
        return this.userUpdated(n);
      case "presence":
        if (n.user && n.status) this.people.presence.set(n.user, n.status);
        if (n.room && n.online !== undefined) this.people.online.set(n.room, n.online);
    }
  }

  private ready(n: Ready): void {
    this.signedIn(n.user);
    this.people.connected(n.user.id);
    for (const id of this.rooms.replace(n.rooms)) this.removeRoom(id);
    if (!n.resumed) this.reset();
  }

  private reset(): void {
    this.kept.clear();
    for (const t of this.timelines.values()) t.reset();
    this.quotes.clear();
  }

  private message({ type: _, ...m }: Message & { type: "message" }): void {
    this.told(m.room)?.arrived(m);
    this.typing.stopped(m.room, m.user);
    this.rooms.count(m, this.myId);
  }

  /** An own edit that the server has accepted, or anybody's that it tells of. */
  messageEdited(n: Partial<Edit> & Pick<Message, "room" | "id"> & { body: string; edited_at: string }): void {
    const edit: Edit = { body: n.body, edited_at: n.edited_at, mentions: n.mentions ?? [], everyone: n.everyone ?? false };
    this.told(n.room)?.edited(n.id, edit);
    this.quotes.update(n.id, (m) => edited(m, edit));
  }

  messageDeleted(room: string, id: string, duplicate = false): void {
    const t = this.told(room);
    if (duplicate) t?.removed(id);
    else t?.deleted(id);
    this.quotes.update(id, deleted);
  }

  private reaction(n: Extract<Notice, { type: "reaction" }>): void {
    const me = n.user === this.myId ? !n.remove : null;
    this.told(n.room)?.reacted(n.id, n.emoji, n.count, me);
    this.quotes.update(n.id, (m) => react(m, n.emoji, n.count, me));
  }

  private someoneTypes(n: Extract<Notice, { type: "typing" }>): void {
    if (n.user === undefined) this.typing.counted(n.room, n.count ?? 0);
    else if (n.user !== this.myId) this.typing.started(n.room, n.user);
  }

  private userUpdated(n: User & { type: "user_updated" }): void {
    this.people.renamed(n);
    const user = this.people.users.peek(n.id)!;
    if (n.id === this.myId) this.me.value = user;
  }

  setRoom(r: Room): void {
    this.rooms.set(r);
  }
}
