// The page: which of its faces is shown, by the address and by who is signed in.

import type { Chat } from "../chat.ts";
import { h, replace } from "../dom.ts";
import type { Topic } from "../store.ts";
import { registerPage, signInPage } from "./account.ts";
import { RoomView } from "./room.ts";
import { Sidebar } from "./sidebar.ts";

type Face = "sign-in" | "register" | "chat";

export class App {
  private face: Face | null = null;
  private invite = "";
  private readonly sidebar: Sidebar;
  private readonly room: RoomView;
  private readonly shell: HTMLElement;
  private readonly banner = h("div", { class: "banner", hidden: true });

  constructor(
    private readonly root: HTMLElement,
    private readonly chat: Chat,
  ) {
    this.sidebar = new Sidebar(chat);
    this.room = new RoomView(chat);
    this.banner.setAttribute("role", "status");
    this.shell = h("div", { class: "shell" }, this.banner, this.sidebar.element, this.room.element, this.room.members.element);
    chat.store.subscribe((topics) => this.update(topics));
    window.addEventListener("hashchange", () => this.route());
    this.route();
  }

  private update(topics: Set<Topic>): void {
    const { store } = this.chat;
    if (topics.has("me")) this.route();
    if (!store.me) return;
    if (topics.has("connection")) this.drawBanner();
    this.sidebar.update(topics);
    this.room.update(topics);
    if (topics.has("open")) this.shell.dataset["pane"] = store.open ? "room" : "list";
    this.drawTitle();
  }

  private route(): void {
    const { store } = this.chat;
    if (!store.me) {
      // Invites come as #invite=TOKEN, the link that serve prints, or as #/register?invite=TOKEN.
      const invite = /[#?&]invite=([^&]+)/.exec(location.hash)?.[1] ?? "";
      const register = invite !== "" || location.hash.startsWith("#/register");
      this.show(register ? "register" : "sign-in", decodeURIComponent(invite));
      return;
    }
    this.show("chat", "");
    const room = /^#\/room\/([^/]+)$/.exec(location.hash)?.[1] ?? "";
    if (room !== store.open) this.chat.show(decodeURIComponent(room));
  }

  private show(face: Face, invite: string): void {
    if (face === this.face && invite === this.invite) return;
    this.face = face;
    this.invite = invite;
    document.querySelector("dialog")?.close();
    if (face === "chat") replace(this.root, this.shell);
    else replace(this.root, face === "register" ? registerPage(this.chat, invite) : signInPage(this.chat));
    if (face === "chat") this.chat.store.changed("rooms", "users", "open", "members", "connection");
    else document.title = "klatch";
  }

  private drawBanner(): void {
    const s = this.chat.store.connection;
    const first = this.chat.store.rooms.size === 0 && s === "connecting";
    this.banner.hidden = s === "online" || first;
    const again = h("button", { type: "button", onclick: () => this.chat.hurry() }, "Try now");
    if (s === "waiting") replace(this.banner, "Connection lost. Reconnecting…", again);
    else if (s === "connecting") replace(this.banner, "Reconnecting…");
    else replace(this.banner, "Not connected. Reload the page to go on.");
  }

  private drawTitle(): void {
    const { store } = this.chat;
    const r = store.rooms.get(store.open);
    const n = store.unreadTotal();
    document.title = `${n > 0 ? `(${n > 99 ? "99+" : n}) ` : ""}${r ? `${store.titleOf(r)} · ` : ""}klatch`;
  }
}
