import { reasonOf, type Chat } from "../chat.ts";
import { h, icon, iconButton, replace } from "../dom.ts";
import type { Message } from "../types.ts";

/** What the text is going to be. */
type Mode = { kind: "post" } | { kind: "reply"; to: Message } | { kind: "edit"; message: Message };

const touch = matchMedia("(pointer: coarse)");

export class Composer {
  readonly element: HTMLFormElement;
  private readonly note = h("div", { class: "composer-note", hidden: true });
  private readonly input = h("textarea", { rows: 1, maxLength: 16_000 });
  private readonly drafts = new Map<string, string>();
  private mode: Mode = { kind: "post" };
  private room = "";

  /** posted is called after a post; done when an edit or reply ends. */
  constructor(
    private readonly chat: Chat,
    private readonly posted: () => void,
  ) {
    const send = h("button", { type: "submit", class: "send", title: "Send", aria: { label: "Send" } }, icon("send"));
    this.element = h("form", { class: "composer" }, this.note, h("div", { class: "composer-line" }, this.input, send));
    this.element.addEventListener("submit", (e) => {
      e.preventDefault();
      this.submit();
    });
    this.input.addEventListener("keydown", (e) => this.key(e));
    this.input.addEventListener("input", () => {
      this.grow();
      if (this.input.value && this.mode.kind !== "edit") this.chat.typed(this.room);
    });
  }

  open(room: string, title: string): void {
    if (room !== this.room) {
      if (this.mode.kind !== "edit") this.drafts.set(this.room, this.input.value);
      this.room = room;
      this.set({ kind: "post" }, this.drafts.get(room) ?? "");
      if (!touch.matches) this.input.focus();
    }
    this.input.placeholder = `Message ${title}`;
    this.input.setAttribute("aria-label", `Message ${title}`);
  }

  reply(to: Message): void {
    this.set({ kind: "reply", to }, this.mode.kind === "edit" ? "" : this.input.value);
    this.input.focus();
  }

  edit(message: Message): void {
    this.set({ kind: "edit", message }, message.body);
    this.input.focus();
  }

  private set(mode: Mode, text: string): void {
    this.mode = mode;
    this.input.value = text;
    this.note.hidden = mode.kind === "post";
    if (mode.kind !== "post") {
      const who = mode.kind === "reply" ? this.chat.store.nameOf(mode.to.user) : "";
      const text = mode.kind === "reply" ? `Replying to ${who}: ${mode.to.body}` : "Editing your message";
      replace(this.note, icon(mode.kind === "reply" ? "reply" : "pencil"), h("span", {}, text), iconButton("close", "Cancel", () => this.cancel()));
    }
    this.grow();
  }

  private cancel(): void {
    this.set({ kind: "post" }, this.mode.kind === "reply" ? this.input.value : "");
    this.input.focus();
  }

  private submit(): void {
    const body = this.input.value.trim();
    const { mode } = this;
    if (!body) return;
    if (mode.kind === "edit") return void this.change(mode.message, body);
    this.chat.post(this.room, body, mode.kind === "reply" ? mode.to.id : undefined);
    this.set({ kind: "post" }, "");
    this.posted();
  }

  private async change(m: Message, body: string): Promise<void> {
    try {
      if (body !== m.body) await this.chat.edit(m, body);
      this.set({ kind: "post" }, "");
    } catch (e) {
      this.chat.report(`The message was not changed: ${reasonOf(e)}`); // the text stays, to try again
    }
  }

  private key(e: KeyboardEvent): void {
    if (e.isComposing) return; // Enter ends an input method's word
    if (e.key === "Enter" && !e.shiftKey && !touch.matches) {
      e.preventDefault();
      this.submit();
    } else if (e.key === "Escape" && this.mode.kind !== "post") {
      this.cancel();
    } else if (e.key === "ArrowUp" && !this.input.value) {
      const own = this.lastOwn();
      if (own) {
        e.preventDefault();
        this.edit(own);
      }
    }
  }

  private lastOwn(): Message | undefined {
    const me = this.chat.store.me?.id;
    const rows = this.chat.store.timeline(this.room).all;
    return rows.findLast((r) => r.state === "sent" && r.message.user === me && !r.message.deleted)?.message;
  }

  /** As high as its text, within what CSS allows. */
  private grow(): void {
    this.input.style.height = "auto";
    if (this.input.value) this.input.style.height = `${this.input.scrollHeight}px`;
  }
}
