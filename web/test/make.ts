import { Store } from "../src/store/store.ts";
import type { Message, Ready, Room, User } from "../src/wire/types.ts";

export const me: User = { id: "ME", username: "ada", display_name: "Ada", role: "user", bot: false };

export const at = "2026-01-02T03:04:05.678Z";

export function message(id: string, more: Partial<Message> = {}): Message {
  return { id, room: "R", user: "OTHER", body: `body of ${id}`, at, ...more };
}

export function room(more: Partial<Room> = {}): Room {
  const facts = { id: "R", name: "general", topic: "", private: false, direct: false, members: 2 };
  return { ...facts, role: "member", last: null, unread: 0, mentions: 0, last_read: "", ...more };
}

export function ready(more: Partial<Ready> = {}): Ready {
  const heartbeat = { interval_ms: 25_000, timeout_ms: 20_000 };
  return { type: "ready", user: me, rooms: [room()], cursor: "c1", resumed: false, heartbeat, ...more };
}

export function storeWithRoom(more: Partial<Room> = {}): Store {
  const s = new Store();
  s.apply(ready({ rooms: [room(more)] }));
  return s;
}

export function page(ids: string[], prev: string | null = null, next: string | null = null) {
  return { items: ids.map((id) => message(id)), prev, next };
}
