import type { Chat } from "../chat.ts";
import { avatar, h, icon, iconButton, replace } from "../dom.ts";
import type { Topic } from "../store.ts";
import { unreadLimit } from "../store.ts";
import type { Room } from "../types.ts";
import { confirm, openDialog, openForm } from "./dialog.ts";
import { logo } from "./logo.ts";
import { reasonOf } from "../chat.ts";

export class Sidebar {
  readonly element: HTMLElement;
  private readonly rooms = h("ul", {});
  private readonly directs = h("ul", {});
  private readonly me = h("div", { class: "me" });

  constructor(private readonly chat: Chat) {
    this.element = h(
      "nav",
      { class: "sidebar", aria: { label: "Rooms" } },
      h("header", { class: "brand" }, logo(), h("span", {}, "klatch")),
      h("div", { class: "rooms" },
        section("Rooms", this.rooms,
          iconButton("search", "Browse public rooms", () => browse(chat)),
          iconButton("plus", "Make a room", () => makeRoom(chat))),
        section("Direct messages", this.directs, iconButton("plus", "Message someone", () => messageSomeone(chat)))),
      this.me,
    );
  }

  update(topics: Set<Topic>): void {
    const { store } = this.chat;
    if (topics.has("rooms") || topics.has("users") || topics.has("members") || topics.has("open")) {
      const joined = store.joined();
      const named = joined.filter((r) => !r.direct).sort((a, b) => a.name.localeCompare(b.name));
      const direct = joined.filter((r) => r.direct).sort((a, b) => (b.last?.id ?? "").localeCompare(a.last?.id ?? ""));
      this.list(this.rooms, named, "No rooms yet.", [
        h("button", { type: "button", onclick: () => browse(this.chat) }, "Browse"),
        h("button", { type: "button", onclick: () => makeRoom(this.chat) }, "Make one"),
      ]);
      this.list(this.directs, direct, "Nobody yet.", []);
    }
    if (topics.has("me") || topics.has("users")) this.updateMe();
  }

  private list(ul: HTMLElement, rooms: Room[], none: string, begin: HTMLElement[]): void {
    const focused = ul.contains(document.activeElement) ? (document.activeElement as HTMLAnchorElement).hash : "";
    replace(ul, ...(rooms.length > 0 ? rooms.map((r) => this.item(r)) : [h("li", { class: "none" }, h("p", {}, none), ...begin)]));
    if (focused) ul.querySelector<HTMLElement>(`a[href="${CSS.escape(focused)}"]`)?.focus();
  }

  private item(r: Room): HTMLElement {
    const { store } = this.chat;
    const title = store.titleOf(r);
    const link = h("a", { href: `#/room/${r.id}`, class: r.unread > 0 ? "unread" : "" }, this.sign(r), h("span", { class: "title" }, title));
    if (store.open === r.id) link.setAttribute("aria-current", "page");
    if (r.unread > 0) link.append(badge(r));
    return h("li", {}, link);
  }

  private sign(r: Room): Node {
    if (!r.direct) return icon(r.private ? "lock" : "hash");
    const other = this.chat.store.others(r.id)[0];
    const status = other ? (this.chat.store.presence.get(other.id) ?? "offline") : "offline";
    return h("span", { class: `dot ${status}`, title: status });
  }

  private updateMe(): void {
    const { me } = this.chat.store;
    if (!me) return replace(this.me);
    const name = me.display_name || me.username;
    replace(
      this.me,
      avatar(me.id, name),
      h("div", { class: "who" }, h("strong", {}, name), h("span", {}, `@${me.username}`)),
      iconButton("leave", "Sign out", () =>
        confirm("Sign out?", "You can sign in again at any time.", "Sign out", () => {
          this.chat.logout().catch((e: unknown) => this.chat.report(reasonOf(e)));
        })),
    );
  }
}

function badge(r: Room): HTMLElement {
  const n = r.unread >= unreadLimit ? `${unreadLimit - 1}+` : String(r.unread);
  const label = r.mentions > 0 ? `${n} unread, you are mentioned` : `${n} unread`;
  const e = h("span", { class: r.mentions > 0 ? "badge mention" : "badge" }, r.mentions > 0 ? `@ ${n}` : n);
  e.setAttribute("aria-label", label);
  e.setAttribute("role", "img");
  return e;
}

function section(title: string, list: HTMLElement, ...buttons: HTMLElement[]): HTMLElement {
  return h("section", {}, h("div", { class: "section-title" }, h("h2", {}, title), ...buttons), list);
}

function goTo(r: Room): void {
  location.hash = `#/room/${r.id}`;
}

export function makeRoom(chat: Chat): void {
  openForm(
    "Make a room",
    [
      { name: "name", label: "Name", hint: "Small letters, digits, - _ and .", required: true },
      { name: "topic", label: "What it is about (optional)" },
      { name: "private", label: "Private", type: "checkbox", hint: "Only those who are added can see it." },
    ],
    "Make the room",
    async (v) => goTo(await chat.createRoom(v["name"]!.trim(), v["topic"]!.trim(), v["private"] === "true")),
  );
}

export function messageSomeone(chat: Chat): void {
  openForm("Message someone", [{ name: "users", label: "Username", required: true }], "Open", async (v) =>
    goTo(await chat.direct(v["users"]!.trim().replace(/^@/, ""))),
  );
}

export function browse(chat: Chat): void {
  const list = h("ul", { class: "browse" }, h("li", { class: "none" }, "Loading…"));
  const dialog = openDialog("Public rooms", list);
  const choose = (r: Room): void => {
    void (async () => {
      try {
        goTo(r.role ? r : await chat.join(r.id));
        dialog.close();
      } catch (e) {
        chat.report(reasonOf(e));
      }
    })();
  };
  chat.publicRooms().then(
    (rooms) => replace(list, ...(rooms.length ? rooms.map((r) => browseItem(r, () => choose(r))) : [h("li", { class: "none" }, "There are no public rooms yet.")])),
    (e: unknown) => replace(list, h("li", { class: "form-error" }, reasonOf(e))),
  );
}

function browseItem(r: Room, onclick: () => void): HTMLElement {
  const people = r.members === 1 ? "1 member" : `${r.members} members`;
  const button = h("button", { type: "button", class: r.role ? "" : "primary", onclick }, r.role ? "Open" : "Join");
  button.setAttribute("aria-label", `${r.role ? "Open" : "Join"} ${r.name}`);
  return h("li", {}, icon("hash"), h("div", { class: "about" }, h("strong", {}, r.name), h("span", {}, r.topic ? `${people} · ${r.topic}` : people)), button);
}
