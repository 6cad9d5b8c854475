// What was begun to be written, by room.

import { Keyed } from "./keyed.ts";

const most = 200; // rooms; beyond it the oldest draft goes

export class Drafts {
  private readonly texts = new Map<string, string>();
  /** What another tab has written since this one did: who shows a draft may take it over. */
  readonly told = new Keyed<string>();
  /** Is told of what is written here. */
  written: (room: string, text: string) => void = () => undefined;

  get(room: string): string {
    return this.texts.get(room) ?? "";
  }

  set(room: string, text: string): void {
    if (text === this.get(room)) return;
    this.put(room, text);
    this.told.delete(room);
    this.written(room, text);
  }

  /** A draft from elsewhere. */
  tell(room: string, text: string): void {
    this.put(room, text);
    this.told.set(room, text);
  }

  private put(room: string, text: string): void {
    this.texts.delete(room);
    if (text) this.texts.set(room, text);
    if (this.texts.size <= most) return;
    const oldest = this.texts.keys().next().value!;
    this.texts.delete(oldest);
    this.told.delete(oldest);
  }

  clear(): void {
    this.texts.clear();
    this.told.clear();
  }
}
