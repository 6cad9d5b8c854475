// The client without its face: the store, the connection and REST put together. Knows no DOM.

import { batch, signal } from "@preact/signals";
import type { Told } from "../keep/tabs.ts";
import { lastUser } from "../keep/who.ts";
import { Store } from "../store/store.ts";
import { api, type Credentials } from "../wire/api.ts";
import { Connection, type Listener, type State } from "../wire/connection.ts";
import { hasCode } from "../wire/errors.ts";
import type { Message, Notice, Room, User } from "../wire/types.ts";
import { words } from "../words/words.ts";
import { Missing } from "./missing.ts";
import { Pager } from "./pager.ts";
import { Posting } from "./posting.ts";
import { Reading } from "./reading.ts";
import { Recall } from "./recall.ts";
import { RoomDesk } from "./roomdesk.ts";

/** failed: whether anybody is signed in could not be found out. */
export type Phase = "starting" | "failed" | "out" | "in";

const renewals = 4;
const renewEvery = 500;

export class Chat implements Listener {
  readonly store = new Store();
  readonly phase = signal<Phase>("starting");
  readonly missing = new Missing(this.store);
  readonly pager: Pager;
  readonly rooms: RoomDesk;
  readonly posting: Posting;
  readonly reading: Reading;
  private readonly connection: Connection;
  private recall: Recall | null = null;
  private wanted = ""; // the room that a start is for
  /** Is told of each message that comes. */
  said: (m: Message) => void = () => undefined;

  constructor(
    wsURL: string,
    readonly report: (message: string) => void,
  ) {
    this.connection = new Connection(wsURL, this);
    this.pager = new Pager(this.store, this.missing, report);
    this.rooms = new RoomDesk(this.store, this.pager, report);
    this.posting = new Posting(this.store, this.connection);
    this.reading = new Reading(this.store, this.connection);
    this.pager.kept = (room) => this.recall?.read(room);
    this.posting.gone = (nonce) => this.recall?.tell({ kind: "discarded", nonce });
    this.reading.marked = (room, id) => this.recall?.tell({ kind: "read", room, id });
  }

  // The account.

  /**
   * Shows what is remembered of who was here last, and lets the server correct it; or else asks who is here.
   * Of the room that the address names, or "", a page is wanted at once; shown is told which room was open.
   */
  async restore(room = "", shown: (room: string) => void = () => undefined): Promise<void> {
    this.phase.value = "starting";
    const user = lastUser();
    if (user) return this.comeBack(user, room, shown);
    if (!room) return this.ask();
    // Who comes by a link to a room is mostly signed in: what shows it is asked for at once and drawn once, and
    // the connection, which takes longer than all that, made after it.
    this.wanted = room;
    const page = this.pager.ahead(room);
    await this.ask(api.room(room).catch(() => null), page); // who may not see it hears of that once connected
  }

  private async ask(asked?: Promise<Room | null>, page?: Promise<void>): Promise<void> {
    try {
      const [user, room] = await Promise.all([api.me(), asked, page]);
      this.enter(user, room);
    } catch (e) {
      this.connection.stop();
      this.phase.value = hasCode(e, "unauthorized") ? "out" : "failed";
    }
  }

  async login(username: string, password: string): Promise<void> {
    this.enter((await api.login(username, password)).user);
  }

  async register(c: Credentials): Promise<void> {
    this.enter((await api.register(c)).user);
  }

  async logout(): Promise<void> {
    await api.logout();
    this.signOut();
  }

  private signOut(): void {
    this.recall?.tell({ kind: "out" });
    this.leave();
  }

  private async comeBack(user: User, room: string, shown: (room: string) => void): Promise<void> {
    this.store.signedIn(user);
    const recall = this.remember(user);
    const glanced = recall.glance(room);
    const show = (open: string): void =>
      batch(() => {
        if (open) shown(open);
        this.store.rooms.open.value = room || open;
        this.phase.value = "in";
      });
    if (glanced !== null) show(glanced);
    const { cursor, open } = await recall.begin(room);
    if (this.recall !== recall) return; // another tab has left
    if (glanced === null) show(open);
    this.connection.start(cursor);
  }

  private enter(user: User, room?: Room | null): void {
    if (this.phase.peek() === "in") return; // the socket was faster
    batch(() => {
      this.store.signedIn(user);
      this.remember(user);
      if (room) this.store.setRoom(room);
      this.pager.release();
      if (this.wanted) this.store.rooms.open.value = this.wanted;
      this.wanted = "";
      this.phase.value = "in";
    });
    setTimeout(() => this.connection.start()); // once it is drawn
  }

  private remember(user: User): Recall {
    this.recall = new Recall(user, this.store, this.posting, (t) => this.heard(t));
    return this.recall;
  }

  /** Another tab of this account has done something. */
  private heard(t: Told): void {
    switch (t.kind) {
      case "out":
        return this.leave();
      case "draft":
        return this.store.drafts.tell(t.room, t.text);
      case "read":
        return this.store.rooms.markRead(t.room, t.id);
      case "discarded":
        return this.posting.discarded(t.nonce);
    }
  }

  /** The room shows, and there is time for what keeps it. */
  async settle(): Promise<void> {
    await this.recall?.write(() => this.connection.position);
  }

  /** The page may end at any moment. */
  pause(): void {
    this.recall?.hurry();
  }

  private leave(): void {
    void this.recall?.end();
    this.recall = null;
    this.connection.stop();
    this.posting.clear();
    this.pager.clear();
    this.missing.forget();
    this.store.signedOut();
    this.phase.value = "out";
  }

  // The connection.

  hurry(): void {
    this.connection.hurry();
  }

  state(s: State): void {
    this.store.connection.value = s;
    if (s !== "online") return;
    this.pager.resume();
    this.posting.resend();
    this.showAgain();
  }

  ended(code: number, reason: string): void {
    if (code === 4002) {
      this.report(words.notUnderstood(reason || String(code)));
      return;
    }
    void this.renew(code === 4009 ? renewals : 0, reason);
  }

  /** A new password ends all sessions but that of a new cookie, which may be a moment behind the end of the old one. */
  private async renew(tries: number, reason: string): Promise<void> {
    for (; tries > 0; tries--) {
      const user = await api.me().catch(() => null);
      if (this.phase.peek() !== "in") return;
      if (user?.id === this.store.myId) return this.connection.start(this.connection.position);
      await new Promise((later) => setTimeout(later, renewEvery));
    }
    if (this.phase.peek() !== "in") return;
    this.signOut();
    this.report(words.signedOut(reason));
  }

  /** A closed handshake does not say why; an answer to /me does. */
  refused(): void {
    api.me().catch((e: unknown) => {
      if (hasCode(e, "unauthorized") && this.phase.peek() === "in") this.ended(4001, words.sessionEnded);
    });
  }

  notice(n: Notice): void {
    if (n.type === "ready" && n.user.id !== this.store.myId) {
      if (this.store.myId) return this.becomeAnother(n.user);
      return batch(() => {
        this.enter(n.user);
        this.take(n);
      });
    }
    this.take(n);
  }

  private take(n: Notice): void {
    if (n.type === "reset" || (n.type === "ready" && !n.resumed)) this.recall?.reset();
    const elsewhere = n.type === "read" && n.user === this.store.myId && n.id > (this.store.rooms.peek(n.room)?.last_read ?? "");
    this.store.apply(n);
    switch (n.type) {
      case "ready":
        if (!n.resumed) this.missing.forget();
        for (const r of n.rooms) if (r.direct) void this.rooms.loadMembers(r.id);
        return;
      case "reset":
        this.missing.forget();
        return this.showAgain();
      case "room_created":
        return void this.rooms.loadRoom(n.id);
      case "member_joined":
        if (n.user === this.store.myId && !this.store.rooms.peek(n.room)?.role) void this.rooms.loadRoom(n.room);
        return;
      case "read":
        // Another window read a part of what is unread: how much is left, the server knows.
        if (elsewhere && this.store.rooms.peek(n.room)?.unread) void this.rooms.loadRoom(n.room);
        return;
      case "message":
        this.missing.user(n.user);
        this.said(n);
    }
  }

  /** Somebody else has signed in, in another tab: the cookie is theirs now. */
  private becomeAnother(user: User): void {
    this.leave();
    this.enter(user);
  }

  private showAgain(): void {
    const open = this.store.rooms.open.peek();
    if (open) this.rooms.show(open);
  }
}
