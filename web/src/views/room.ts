import { reasonOf, type Chat } from "../chat.ts";
import { h, icon, iconButton, replace } from "../dom.ts";
import type { Topic } from "../store.ts";
import type { Room } from "../types.ts";
import { Composer } from "./composer.ts";
import { confirm } from "./dialog.ts";
import { MembersView } from "./members.ts";
import { MessagesView } from "./messages.ts";
import { browse, makeRoom, messageSomeone } from "./sidebar.ts";

const wide = matchMedia("(min-width: 1100px)");

export class RoomView {
  readonly element = h("main", { class: "room" });
  readonly members: MembersView;
  private readonly head = h("header", { class: "room-head" });
  private readonly typing = h("div", { class: "typing" });
  private readonly messages: MessagesView;
  private readonly composer: Composer;
  private readonly membersButton = iconButton("users", "Members", () => this.showMembers(this.members.element.hidden !== false));
  private shown = ""; // the room and how: anew, only when it is another
  private typingTimer = 0;

  constructor(private readonly chat: Chat) {
    this.messages = new MessagesView(chat, {
      react: (m, emoji) => this.messages.react(m, emoji),
      reply: (m) => this.composer.reply(m),
      edit: (m) => this.composer.edit(m),
      remove: (m) =>
        confirm("Delete this message?", "It goes for everybody, and cannot be brought back.", "Delete", () => {
          chat.remove(m).catch((e: unknown) => chat.report(reasonOf(e)));
        }),
    });
    this.composer = new Composer(chat, () => this.messages.toBottom());
    this.members = new MembersView(chat, () => this.showMembers(false));
    this.membersButton.setAttribute("aria-controls", "members");
    this.showMembers(wide.matches);
    this.members.element.addEventListener("keydown", (e) => {
      if (e.key === "Escape" && !wide.matches) this.showMembers(false);
    });
    wide.addEventListener("change", () => this.showMembers(wide.matches));
  }

  update(topics: Set<Topic>): void {
    const { store } = this.chat;
    const r = store.rooms.get(store.open);
    this.frame(r);
    if (!r?.role) this.messages.close();
    if (!r) return;
    if (topics.has("rooms") || topics.has("members") || topics.has("users") || topics.has("open")) this.drawHead(r);
    if (!r.role) return;
    this.messages.open(r.id);
    this.composer.open(r.id, store.titleOf(r));
    if (topics.has("messages") || topics.has("users") || topics.has("rooms") || topics.has("connection")) this.messages.update();
    if (topics.has("members") || topics.has("users") || topics.has("open")) this.members.update();
    if (topics.has("typing") || topics.has("open")) this.drawTyping(r.id);
  }

  private frame(r: Room | undefined): void {
    const kind = !r ? "none" : r.role ? "member" : `stranger ${r.id}`;
    this.members.element.classList.toggle("unused", kind !== "member");
    if (kind === this.shown) return;
    this.shown = kind;
    if (!r) replace(this.element, this.welcome());
    else if (r.role) replace(this.element, this.head, this.messages.element, this.typing, this.composer.element);
    else replace(this.element, this.head, this.stranger(r));
  }

  private welcome(): HTMLElement {
    const button = (label: string, onclick: () => void, name = ""): HTMLElement => h("button", { type: "button", class: name, onclick }, label);
    return h("div", { class: "empty" }, h("h1", {}, "Where shall we talk?"),
      h("p", {}, "Choose a room on the left, or begin somewhere new."),
      h("div", { class: "actions" },
        button("Make a room", () => makeRoom(this.chat), "primary"),
        button("Browse public rooms", () => browse(this.chat)),
        button("Message someone", () => messageSomeone(this.chat))));
  }

  private stranger(r: Room): HTMLElement {
    const onclick = (): void => void this.chat.join(r.id).catch((e: unknown) => this.chat.report(reasonOf(e)));
    return h("div", { class: "empty" }, h("h1", {}, r.name), h("p", {}, r.topic || "You are not a member of this room yet."),
      h("div", { class: "actions" }, h("button", { type: "button", class: "primary", onclick }, "Join the room")));
  }

  private drawHead(r: Room): void {
    const back = h("a", { class: "icon-button back", href: "#/", aria: { label: "Back to all rooms" } }, icon("back"));
    const sign = r.direct ? null : icon(r.private ? "lock" : "hash");
    const topic = r.topic ? h("p", { title: r.topic }, r.topic) : null;
    const focused = this.head.contains(document.activeElement) ? document.activeElement : null;
    replace(this.head, back, h("div", { class: "titles" }, h("h1", {}, sign, this.chat.store.titleOf(r)), topic), r.role ? this.membersButton : null);
    if (focused === this.membersButton) this.membersButton.focus();
  }

  private drawTyping(room: string): void {
    const { users, count } = this.chat.store.typing(room);
    const names = users.map((u) => this.chat.store.nameOf(u));
    let text = "";
    if (names.length === 1) text = `${names[0]} is typing…`;
    else if (names.length === 2) text = `${names[0]} and ${names[1]} are typing…`;
    else if (count > 0) text = `${count} people are typing…`;
    if (this.typing.textContent !== text) this.typing.textContent = text;
    clearTimeout(this.typingTimer);
    if (text) this.typingTimer = window.setTimeout(() => this.chat.store.changed("typing"), 1000);
  }

  private showMembers(show: boolean): void {
    this.members.element.hidden = !show;
    this.membersButton.setAttribute("aria-expanded", String(show));
  }
}
