// Completes names while somebody writes: which choices there are, and which of them is the one.

import { signal } from "@preact/signals";
import type { Chat } from "../chat/chat.ts";
import { matching, namedAt, replaced, wantedAt, type Wanted } from "../text/completion.ts";
import { words } from "../words/words.ts";

export interface Choice {
  readonly key: string;
  readonly sign: string; // an emoji; "" for people
  readonly user: string; // an id; "" where it is nobody's
  readonly label: string;
  readonly note: string;
  readonly text: string; // what is put in its place
}

export interface Edited {
  readonly text: string;
  readonly caret: number;
}

const most = 8;

export class Completer {
  readonly choices = signal<readonly Choice[]>([]);
  readonly chosen = signal(0);
  private wanted: Wanted | null = null;
  private refused = -1; // where completion was sent away
  private turn = 0;

  constructor(
    private readonly chat: Chat,
    private readonly room: string,
  ) {}

  get isOpen(): boolean {
    return this.choices.peek().length > 0;
  }

  /** The text or the caret is another. */
  async look(text: string, caret: number): Promise<void> {
    const turn = ++this.turn;
    const wanted = wantedAt(text, caret);
    if (!wanted || wanted.from !== this.refused) this.refused = -1;
    if (!wanted || this.refused >= 0) return this.show(null, []);
    try {
      const found = wanted.kind === "person" ? await this.people(wanted.typed) : await this.emoji(wanted.typed);
      if (turn === this.turn) this.show(wanted, found);
    } catch {
      if (turn === this.turn) this.show(null, []); // offline: one can write on without it
    }
  }

  private show(wanted: Wanted | null, choices: readonly Choice[]): void {
    this.wanted = wanted;
    this.chosen.value = 0;
    if (choices.length > 0 || this.choices.peek().length > 0) this.choices.value = choices;
  }

  private async people(typed: string): Promise<Choice[]> {
    const { members, moreMembers } = this.chat.store.people;
    if (!members.has(this.room)) await this.chat.rooms.loadMembers(this.room);
    let found = matching(members.peek(this.room) ?? [], typed, most);
    if (found.length < most && moreMembers.peek(this.room)) {
      await this.chat.rooms.members.many(this.room);
      found = matching(members.peek(this.room) ?? [], typed, most);
    }
    const choices = found.map((m) => ({
      key: m.id,
      sign: "",
      user: m.id,
      label: m.display_name || m.username,
      note: `@${m.username}`,
      text: `@${m.username} `,
    }));
    if (!this.chat.store.rooms.peek(this.room)?.direct && "room".startsWith(typed)) {
      choices.push({ key: "@room", sign: "", user: "", label: words.everyone, note: "@room", text: "@room " });
    }
    return choices.slice(0, most);
  }

  private async emoji(typed: string): Promise<Choice[]> {
    const { findEmoji } = await import("../parts/emojilist.ts");
    return findEmoji(typed, most).map((e) => ({ key: e.char, sign: e.char, user: "", label: `:${e.name}:`, note: "", text: `${e.char} ` }));
  }

  /** The text after a choice was taken. */
  take(index: number, text: string, caret: number): Edited | null {
    const choice = this.choices.peek()[index];
    if (!choice || !this.wanted) return null;
    const { from } = this.wanted;
    this.close();
    const after = text[caret] === " " ? caret + 1 : caret;
    return replaced(text, from, after, choice.text);
  }

  /** The text after the :name: that has just been closed became its emoji. */
  async named(text: string, caret: number): Promise<Edited | null> {
    const found = namedAt(text, caret);
    if (!found) return null;
    const { emojiNamed } = await import("../parts/emojilist.ts");
    const emoji = emojiNamed(found.name);
    return emoji ? replaced(text, found.from, caret, emoji.char) : null;
  }

  move(step: number): void {
    const n = this.choices.peek().length;
    if (n > 0) this.chosen.value = (this.chosen.peek() + step + n) % n;
  }

  /** Sent away: it stays away until something else is completed. */
  dismiss(): void {
    this.refused = this.wanted?.from ?? -1;
    this.close();
  }

  close(): void {
    this.turn++;
    this.show(null, []);
  }
}
