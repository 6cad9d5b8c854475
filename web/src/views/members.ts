import type { Chat } from "../chat.ts";
import { avatar, h, iconButton, replace } from "../dom.ts";
import type { Member, Status } from "../types.ts";
import { reasonOf } from "../chat.ts";
import { confirm, openForm } from "./dialog.ts";

const rank: Record<Status, number> = { online: 0, busy: 1, away: 2, offline: 3 };

export class MembersView {
  readonly element: HTMLElement;
  private readonly list = h("ul", {});
  private readonly title = h("h2", {}, "Members");
  private readonly foot = h("div", { class: "members-foot" });

  constructor(
    private readonly chat: Chat,
    close: () => void,
  ) {
    this.element = h("aside", { class: "members", id: "members", aria: { label: "Members" } },
      h("header", {}, this.title, iconButton("close", "Close the member list", close)), this.list, this.foot);
  }

  update(): void {
    const { store } = this.chat;
    const members = [...(store.members.get(store.open) ?? [])];
    const status = (m: Member): Status => store.presence.get(m.id) ?? "offline";
    members.sort((a, b) => rank[status(a)] - rank[status(b)] || store.nameOf(a.id).localeCompare(store.nameOf(b.id)));
    const online = store.online.get(store.open) ?? members.filter((m) => status(m) !== "offline").length;
    this.title.textContent = `Members · ${online} here`;
    replace(this.list, ...members.map((m) => this.item(m, status(m))));
    this.drawFoot();
  }

  private item(m: Member, status: Status): HTMLElement {
    const { store } = this.chat;
    const name = store.nameOf(m.id);
    const face = h("span", { class: "face" }, avatar(m.id, name), h("span", { class: `dot ${status}` }));
    const about = h("span", { class: "who" }, h("strong", {}, name), h("span", {}, `@${m.username}`), h("span", { class: "hidden" }, status));
    const role = m.room_role === "member" || m.room_role === "" ? null : h("span", { class: "role" }, m.room_role);
    if (m.id === store.me?.id) return h("li", {}, h("div", { class: "member" }, face, about, role));
    const onclick = (): void => this.message(m.username);
    return h("li", {}, h("button", { type: "button", class: "member", title: `Message ${name}`, onclick }, face, about, role));
  }

  private message(username: string): void {
    this.chat.direct(username).then(
      (r) => (location.hash = `#/room/${r.id}`),
      (e: unknown) => this.chat.report(reasonOf(e)),
    );
  }

  private drawFoot(): void {
    const { store } = this.chat;
    const r = store.rooms.get(store.open);
    if (!r || r.direct || !r.role) return replace(this.foot);
    const add = (): void =>
      openForm(`Add someone to ${r.name}`, [{ name: "username", label: "Username", required: true }], "Add", (v) =>
        this.chat.addMember(r.id, v["username"]!.trim().replace(/^@/, "")));
    const leave = (): void =>
      confirm(`Leave ${r.name}?`, r.private ? "Somebody will have to add you again." : "You can join again at any time.", "Leave", () => {
        this.chat.leave(r.id).then(() => (location.hash = "#/"), (e: unknown) => this.chat.report(reasonOf(e)));
      });
    replace(this.foot,
      r.role !== "member" && h("button", { type: "button", onclick: add }, "Add someone"),
      h("button", { type: "button", onclick: leave }, "Leave the room"));
  }
}
