// What one can do with a message. There is one toolbar; it goes to the row that is pointed at or focused.

import type { Chat } from "../chat.ts";
import { h, iconButton, replace } from "../dom.ts";
import type { Message } from "../types.ts";

export interface ToolbarActions {
  react(m: Message, emoji: string): void;
  reply(m: Message): void;
  edit(m: Message): void;
  remove(m: Message): void;
}

const emojis: [string, string][] = [
  ["👍", "Thumbs up"],
  ["❤️", "Heart"],
  ["😂", "Laughing"],
  ["🎉", "Party"],
  ["😮", "Surprised"],
  ["👀", "Eyes"],
];

export class Toolbar {
  readonly element = h("div", { class: "toolbar", aria: { label: "Message actions" } });
  private room = "";
  private id = "";

  constructor(
    private readonly chat: Chat,
    private readonly actions: ToolbarActions,
  ) {
    this.element.setAttribute("role", "toolbar");
    this.element.addEventListener("keydown", (e) => {
      if (e.key === "Escape") this.actionButtons();
    });
  }

  attach(row: HTMLElement, room: string, id: string): void {
    this.room = room;
    this.id = id;
    this.actionButtons();
    row.append(this.element);
  }

  /** The message as it is now. */
  private message(): Message | undefined {
    return this.chat.store.timelines.get(this.room)?.byId(this.id)?.message;
  }

  private with(f: (m: Message) => void): () => void {
    return () => {
      const m = this.message();
      if (m) f(m);
    };
  }

  private actionButtons(): void {
    const { store } = this.chat;
    const m = this.message();
    const own = m?.user === store.me?.id;
    const room = store.rooms.get(this.room);
    const focused = this.element.contains(document.activeElement);
    const keeper = room?.role === "owner" || room?.role === "moderator";
    replace(
      this.element,
      iconButton("smile", "React", () => this.emojiButtons()),
      iconButton("reply", "Reply", this.with((x) => this.actions.reply(x))),
      own && iconButton("pencil", "Edit", this.with((x) => this.actions.edit(x))),
      (own || (keeper && !room?.direct)) && iconButton("trash", "Delete", this.with((x) => this.actions.remove(x))),
    );
    if (focused) this.element.querySelector("button")?.focus();
  }

  private emojiButtons(): void {
    const buttons = emojis.map(([emoji, label]) => {
      const onclick = this.with((m) => {
        this.actions.react(m, emoji);
        this.actionButtons();
      });
      return h("button", { type: "button", class: "icon-button", title: label, aria: { label }, onclick }, emoji);
    });
    replace(this.element, ...buttons);
    buttons[0]?.focus();
  }
}
