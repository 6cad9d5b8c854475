// Tells the server how far the user has read. Of a burst of messages it hears once.

import type { Store } from "../store/store.ts";
import type { Connection } from "../wire/connection.ts";

const delay = 300;

export class Reading {
  /** Is told of what is read here. */
  marked: (room: string, id: string) => void = () => undefined;
  private readonly told = new Map<string, string>(); // room to what the server will be told

  constructor(
    private readonly store: Store,
    private readonly connection: Pick<Connection, "send">,
  ) {}

  /** The newest message is in view. */
  seen(room: string): void {
    const id = this.store.timeline(room).newest()?.id ?? "";
    const r = this.store.rooms.peek(room);
    if (this.store.connection.peek() !== "online" || !r?.role || r.last_read >= id) return;
    this.store.rooms.markRead(room, id);
    this.marked(room, id);
    const waiting = this.told.has(room);
    this.told.set(room, id);
    if (!waiting) setTimeout(() => this.tell(room), delay);
  }

  private tell(room: string): void {
    const id = this.told.get(room);
    this.told.delete(room);
    if (id) this.connection.send({ type: "read", room, id });
  }
}
