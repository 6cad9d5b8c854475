// The client without its face: the store, the connection and REST put together. Knows no DOM.

import { signal } from "@preact/signals";
import { Store } from "../store/store.ts";
import { api, type Credentials } from "../wire/api.ts";
import { Connection, type Listener, type State } from "../wire/connection.ts";
import { hasCode } from "../wire/errors.ts";
import type { Notice, User } from "../wire/types.ts";
import { words } from "../words/en.ts";
import { Missing } from "./missing.ts";
import { Pager } from "./pager.ts";
import { Posting } from "./posting.ts";
import { Reading } from "./reading.ts";
import { RoomDesk } from "./roomdesk.ts";

/** failed: whether anybody is signed in could not be found out. */
export type Phase = "starting" | "failed" | "out" | "in";

export class Chat implements Listener {
  readonly store = new Store();
  readonly phase = signal<Phase>("starting");
  readonly missing = new Missing(this.store);
  readonly pager: Pager;
  readonly rooms: RoomDesk;
  readonly posting: Posting;
  readonly reading: Reading;
  private readonly connection: Connection;

  constructor(
    wsURL: string,
    readonly report: (message: string) => void,
  ) {
    this.connection = new Connection(wsURL, this);
    this.pager = new Pager(this.store, this.missing, report);
    this.rooms = new RoomDesk(this.store, this.pager, report);
    this.posting = new Posting(this.store, this.connection);
    this.reading = new Reading(this.store, this.connection);
  }

  // The account.

  /** Finds out whether the cookie still stands for a session. */
  async restore(): Promise<void> {
    this.phase.value = "starting";
    try {
      this.enter(await api.me());
    } catch (e) {
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
    this.leave();
  }

  private enter(user: User): void {
    this.store.signedIn(user);
    this.phase.value = "in";
    this.connection.start();
  }

  private leave(): void {
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
    this.leave();
    this.report(words.signedOut(reason));
  }

  /** A closed handshake does not say why; an answer to /me does. */
  refused(): void {
    api.me().catch((e: unknown) => {
      if (hasCode(e, "unauthorized") && this.phase.peek() === "in") this.ended(4001, words.sessionEnded);
    });
  }

  notice(n: Notice): void {
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
        if (n.user === this.store.myId && this.store.rooms.peek(n.room)?.unread) void this.rooms.loadRoom(n.room);
        return;
      case "message":
        this.missing.user(n.user);
    }
  }

  private showAgain(): void {
    const open = this.store.rooms.open.peek();
    if (open) this.rooms.show(open);
  }
}
