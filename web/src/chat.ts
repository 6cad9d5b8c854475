// What the user does, carried out: the store, the connection and REST put together. Knows no DOM.

import { api, type Credentials } from "./api.ts";
import { Connection, type Listener, type State } from "./connection.ts";
import { newNonce, Outbox, type Post } from "./outbox.ts";
import type { Store } from "./store.ts";
import { OfflineError, ServerError, type Ack, type Message, type Notice, type Room } from "./types.ts";

const typingEvery = 3000;
const readDelay = 300;

export class Chat implements Listener {
  private readonly connection: Connection;
  private readonly outbox: Outbox;
  private readonly loading = new Set<string>(); // rooms whose page is on its way
  private readonly fetching = new Set<string>(); // users and quotes, never asked for twice
  private lastTyped = 0;
  private readonly reading = new Map<string, string>(); // room to what the server will be told

  constructor(
    readonly store: Store,
    wsURL: string,
    readonly report: (message: string) => void,
  ) {
    this.connection = new Connection(wsURL, this);
    this.outbox = new Outbox((f) => this.connection.request(f), {
      sent: (p, a) => this.sent(p, a),
      failed: (p, reason) => {
        this.store.timeline(p.room).setPost(p.nonce, "failed", reason);
        this.store.changed("messages");
      },
    });
  }

  // The account.

  /** Whether the cookie still stands for a session. */
  async restore(): Promise<boolean> {
    try {
      this.enter(await api.me());
      return true;
    } catch (e) {
      if (e instanceof ServerError && e.code === "unauthorized") return false;
      throw e;
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
    this.leaveAll();
  }

  private enter(user: Parameters<Store["signedIn"]>[0]): void {
    this.store.signedIn(user);
    this.connection.start();
  }

  private leaveAll(): void {
    this.connection.stop();
    this.outbox.clear();
    this.loading.clear();
    this.fetching.clear();
    this.store.signedOut();
  }

  // The connection.

  hurry(): void {
    this.connection.hurry();
  }

  state(s: State): void {
    this.store.setConnection(s);
    if (s === "online") this.outbox.resend();
  }

  ended(code: number, reason: string): void {
    if (code === 4002) {
      this.report(`The server did not understand this page (${reason || code}). Reload it, please.`);
      return;
    }
    this.leaveAll();
    this.report(reason ? `You have been signed out: ${reason}.` : "You have been signed out.");
  }

  refused(): void {
    // A closed handshake does not say why; an answer to /me does.
    api.me().catch((e: unknown) => {
      if (e instanceof ServerError && e.code === "unauthorized") this.ended(4001, "your session has ended");
    });
  }

  notice(n: Notice): void {
    this.store.apply(n);
    switch (n.type) {
      case "ready":
        if (!n.resumed) this.fetching.clear();
        for (const r of n.rooms) if (r.direct) void this.loadMembers(r.id);
        if (this.store.open) this.show(this.store.open);
        return;
      case "reset":
        this.fetching.clear();
        if (this.store.open) this.refresh(this.store.open);
        return;
      case "room_created":
        void this.loadRoom(n.id);
        return;
      case "member_joined":
        if (n.user === this.store.me?.id && !this.store.rooms.get(n.room)?.role) void this.loadRoom(n.room);
        return;
      case "read":
        // Another window read a part of what is unread: how much is left, the server knows.
        if (n.user === this.store.me?.id && this.store.rooms.get(n.room)?.unread) void this.loadRoom(n.room);
        return;
      case "message":
        this.needUser(n.user);
    }
  }

  // Rooms.

  private async loadRoom(id: string): Promise<void> {
    await this.quietly(async () => {
      const r = await api.room(id);
      if (r.role === "") return;
      this.store.setRoom(r);
      if (r.direct) await this.loadMembers(id);
    });
  }

  private refresh(room: string): void {
    void this.loadMembers(room);
    if (!this.store.timeline(room).loaded) void this.loadOlder(room);
  }

  show(room: string): void {
    this.store.show(room);
    if (this.store.rooms.get(room)?.role) this.refresh(room);
    else if (room && this.store.connection === "online") void this.peek(room);
  }

  /** A room of a link that somebody was given: it can be shown if it is public. */
  private async peek(room: string): Promise<void> {
    try {
      this.store.setRoom(await api.room(room));
      this.store.changed("open");
    } catch (e) {
      this.report(e instanceof ServerError && e.code === "not_found" ? "There is no such room, or it is private." : reasonOf(e));
      if (this.store.open === room) this.store.show("");
    }
  }

  async loadMembers(room: string): Promise<void> {
    await this.quietly(async () => this.store.setMembers(room, await api.members(room)));
  }

  publicRooms(): Promise<Room[]> {
    return api.publicRooms();
  }

  async createRoom(name: string, topic: string, hidden: boolean): Promise<Room> {
    return this.entered(await api.createRoom({ name, topic, private: hidden }));
  }

  async join(room: string): Promise<Room> {
    return this.entered(await api.join(room));
  }

  async direct(username: string): Promise<Room> {
    return this.entered(await api.directRoom([username]));
  }

  private entered(r: Room): Room {
    this.store.setRoom(r);
    if (this.store.open === r.id) this.show(r.id);
    return r;
  }

  async leave(room: string): Promise<void> {
    await api.leave(room);
    this.store.removeRoom(room);
  }

  async addMember(room: string, username: string): Promise<void> {
    await api.addMember(room, username);
    await this.loadMembers(room);
  }

  // Messages.

  /** Loads the page before those that are here; the newest when none is. */
  async loadOlder(room: string): Promise<void> {
    const t = this.store.timeline(room);
    if (this.loading.has(room) || (t.loaded && t.prev === null)) return;
    this.loading.add(room);
    const { epoch, prev } = t;
    try {
      const page = await api.history(room, prev ?? undefined);
      if (t.epoch === epoch) t.addPage(page);
      for (const m of page.items) this.needUser(m.user);
    } catch (e) {
      if (!(e instanceof OfflineError)) this.report(reasonOf(e));
    } finally {
      this.loading.delete(room);
      this.store.changed("messages");
    }
    if (t.epoch !== epoch) void this.loadOlder(room);
  }

  isLoading(room: string): boolean {
    return this.loading.has(room);
  }

  post(room: string, body: string, replyTo?: string): void {
    const nonce = newNonce();
    const at = new Date().toISOString();
    const user = this.store.me?.id ?? "";
    const reply = replyTo ? { reply_to: replyTo } : {};
    this.store.timeline(room).addPost({ id: "", room, user, body, at, nonce, ...reply });
    this.store.changed("messages");
    this.lastTyped = 0;
    this.outbox.add({ room, body, nonce, ...(replyTo ? { replyTo } : {}) });
  }

  private sent(p: Post, a: Ack): void {
    if (a.id && a.at) this.store.timelines.get(p.room)?.confirm(p.nonce, a.id, a.at);
    this.store.changed("messages");
  }

  retry(room: string, nonce: string): void {
    const t = this.store.timeline(room);
    const row = t.row(nonce);
    if (!row || row.state !== "failed") return;
    t.setPost(nonce, "pending");
    this.store.changed("messages");
    const { body, reply_to } = row.message;
    this.outbox.add({ room, body, nonce, ...(reply_to ? { replyTo: reply_to } : {}) });
  }

  discard(room: string, nonce: string): void {
    this.outbox.discard(nonce);
    this.store.timeline(room).removePost(nonce);
    this.store.changed("messages");
  }

  async edit(m: Message, body: string): Promise<void> {
    const edited = await api.edit(m.room, m.id, body);
    this.store.timelines.get(m.room)?.change(m.id, () => edited);
    this.store.changed("messages");
  }

  async remove(m: Message): Promise<void> {
    await api.remove(m.room, m.id);
    this.store.apply({ type: "message_deleted", room: m.room, id: m.id });
  }

  async react(m: Message, emoji: string): Promise<void> {
    const mine = m.reactions?.some((r) => r.emoji === emoji && r.me) ?? false;
    await api.react(m.room, m.id, emoji, mine);
  }

  typed(room: string): void {
    const now = Date.now();
    if (now - this.lastTyped < typingEvery) return;
    this.lastTyped = now;
    this.connection.send({ type: "typing", room });
  }

  /** The newest message is in view. The server hears of a burst of messages once. */
  seen(room: string): void {
    const id = this.store.timeline(room).newest()?.message.id ?? "";
    const r = this.store.rooms.get(room);
    if (this.store.connection !== "online" || !r?.role || r.last_read >= id) return;
    this.store.markRead(room, id);
    const waiting = this.reading.has(room);
    this.reading.set(room, id);
    if (waiting) return;
    window.setTimeout(() => {
      this.connection.send({ type: "read", room, id: this.reading.get(room) ?? id });
      this.reading.delete(room);
    }, readDelay);
  }

  // What views find missing.

  needUser(id: string): void {
    this.once(id, async () => {
      if (!this.store.users.has(id)) this.store.setUser(await api.user(id));
    });
  }

  needQuote(room: string, id: string): void {
    this.once(id, async () => {
      const m = await api.message(room, id);
      this.store.setQuote(id, m);
      this.needUser(m.user);
    });
  }

  private once(id: string, f: () => Promise<void>): void {
    if (this.fetching.has(id)) return;
    this.fetching.add(id);
    void this.quietly(async () => {
      try {
        await f();
      } catch (e) {
        if (e instanceof OfflineError) this.fetching.delete(id);
        throw e;
      }
    });
  }

  /** For what can be done without: the next notice or visit tries again. */
  private async quietly(f: () => Promise<void>): Promise<void> {
    try {
      await f();
    } catch (e) {
      console.warn(e);
    }
  }
}

export function reasonOf(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}
