// Who types where. What is told of it holds for a few seconds.

import { Keyed } from "./keyed.ts";

const holdsFor = 5000;

export interface Typists {
  readonly users: readonly string[];
  readonly count: number; // more than users where the room is large and only the number is told
}

const nobody: Typists = { users: [], count: 0 };

export class Typing {
  private readonly rooms = new Keyed<Typists>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();

  of(room: string): Typists {
    return this.rooms.get(room) ?? nobody;
  }

  started(room: string, user: string): void {
    const users = this.peek(room).users.filter((u) => u !== user);
    this.rooms.set(room, { users: [...users, user], count: users.length + 1 });
    this.later(`${room} ${user}`, () => this.stopped(room, user));
  }

  counted(room: string, count: number): void {
    this.rooms.set(room, { users: [], count });
    this.later(room, () => this.rooms.set(room, nobody));
  }

  stopped(room: string, user: string): void {
    this.forget(`${room} ${user}`);
    const users = this.peek(room).users;
    if (!users.includes(user)) return;
    const left = users.filter((u) => u !== user);
    this.rooms.set(room, { users: left, count: left.length });
  }

  clear(): void {
    for (const key of [...this.timers.keys()]) this.forget(key);
    this.rooms.clear();
  }

  private peek(room: string): Typists {
    return this.rooms.peek(room) ?? nobody;
  }

  private later(key: string, then: () => void): void {
    this.forget(key);
    this.timers.set(key, setTimeout(then, holdsFor));
  }

  private forget(key: string): void {
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
  }
}
