// The message list: rows by key, drawn again only when they look different.

import { reasonOf, type Chat } from "../chat.ts";
import { h, icon, replace } from "../dom.ts";
import { dayKey } from "../time.ts";
import type { Row } from "../timeline.ts";
import type { Message } from "../types.ts";
import { drawRow, looks, quoted, type RowActions, type Setting } from "./row.ts";
import { Scroller } from "./scroller.ts";
import { Toolbar, type ToolbarActions } from "./toolbar.ts";

const groupedFor = 5 * 60_000;
const loadAhead = 800; // pixels above the view

interface Drawn {
  element: HTMLElement;
  looks: unknown[];
}

export class MessagesView implements RowActions {
  readonly element: HTMLElement;
  private readonly list = h("div", { class: "messages" });
  private readonly top = h("div", { class: "top" });
  private readonly viewport: HTMLElement;
  private readonly jump: HTMLButtonElement;
  private readonly scroller: Scroller;
  private readonly toolbar: Toolbar;
  private drawn = new Map<string, Drawn>();
  private room = "";
  private readUpTo = ""; // when the room was opened; "" when there was nothing unread

  constructor(
    private readonly chat: Chat,
    actions: ToolbarActions,
  ) {
    this.list.setAttribute("role", "log");
    this.viewport = h("div", { class: "viewport" }, this.top, this.list);
    this.jump = h("button", { type: "button", class: "jump", hidden: true, onclick: () => this.scroller.toBottom() });
    this.element = h("div", { class: "messages-pane" }, this.viewport, this.jump);
    this.scroller = new Scroller(this.viewport, this.list, () => this.moved());
    this.toolbar = new Toolbar(chat, actions);
    this.listen();
  }

  /** Shows a room from its newest message on. */
  open(room: string): void {
    if (room === this.room) return;
    this.room = room;
    const r = this.chat.store.rooms.get(room);
    this.readUpTo = r && r.unread > 0 ? r.last_read : "";
    this.drawn.clear();
    this.list.replaceChildren();
    this.list.setAttribute("aria-label", r ? `Messages in ${this.chat.store.titleOf(r)}` : "Messages");
    this.update();
    this.scroller.toBottom();
  }

  /** Nothing is in view any more, so nothing gets read. */
  close(): void {
    this.room = "";
  }

  update(): void {
    const t = this.chat.store.timelines.get(this.room);
    this.scroller.change(() => {
      // A page of older messages is not news to be read out.
      this.list.setAttribute("aria-busy", String(this.chat.isLoading(this.room)));
      this.drawTop();
      this.drawRows(t?.all ?? []);
    });
    this.moved();
  }

  focusRow(m: Message): void {
    this.elementOf(m.id)?.focus();
  }

  private drawTop(): void {
    const t = this.chat.store.timelines.get(this.room);
    const r = this.chat.store.rooms.get(this.room);
    if (!t?.loaded || t.prev !== null) return replace(this.top, h("p", { class: "loading" }, "Loading…"));
    if (!r) return replace(this.top);
    const text = r.direct ? "This is the beginning of your conversation." : `This is the beginning of ${r.name}.`;
    replace(this.top, h("p", { class: "beginning" }, text));
  }

  private drawRows(rows: readonly Row[]): void {
    const next = new Map<string, Drawn>();
    let before: Row | undefined;
    let place: Element | null = this.list.firstElementChild;
    for (const row of rows) {
      const d = this.draw(row, before);
      next.set(row.key, d);
      this.drawn.delete(row.key);
      if (d.element === place) place = place.nextElementSibling;
      else this.list.insertBefore(d.element, place);
      before = row;
    }
    for (const gone of this.drawn.values()) gone.element.remove();
    this.drawn = next;
    this.setTabStop();
  }

  private draw(row: Row, before: Row | undefined): Drawn {
    const { store } = this.chat;
    const m = row.message;
    this.chat.needUser(m.user);
    if (m.reply_to && quoted(m, store) === undefined) this.chat.needQuote(m.room, m.reply_to);
    const setting = this.setting(row, before);
    const now = looks(row, setting, store);
    const had = this.drawn.get(row.key);
    if (had && had.looks.every((v, i) => v === now[i])) return had;
    const element = had?.element ?? h("article", { tabIndex: -1 });
    const me = store.me?.id ?? "";
    const named = m.user !== me && (m.everyone || m.mentions?.includes(me));
    element.className = `row ${row.state}${named ? " named" : ""}`;
    element.dataset["key"] = row.key;
    const focused = element.contains(document.activeElement) && document.activeElement !== element;
    const content = drawRow(row, setting, store, this);
    if (had) element.querySelector(".content")?.replaceWith(content);
    else element.append(content);
    if (m.deleted && this.toolbar.element.parentElement === element) this.toolbar.element.remove();
    if (focused && !element.contains(document.activeElement)) element.focus();
    return { element, looks: now };
  }

  private setting(row: Row, before: Row | undefined): Setting {
    const m = row.message;
    const b = before?.message;
    const day = !b || dayKey(b.at) !== dayKey(m.at);
    const me = this.chat.store.me?.id;
    const unread = (x: Message | undefined): boolean => !!x && x.id > this.readUpTo;
    const fresh = this.readUpTo !== "" && m.user !== me && unread(m) && !unread(b);
    const near = b && Date.parse(m.at) - Date.parse(b.at) < groupedFor;
    return { day, fresh, head: day || fresh || b?.user !== m.user || !near || !!m.reply_to };
  }

  /** One row of the list can be reached by Tab; the arrows go on from there. */
  private setTabStop(): void {
    if (this.list.querySelector(':scope > [tabindex="0"]')) return;
    const last = this.list.lastElementChild as HTMLElement | null;
    if (last) last.tabIndex = 0;
  }

  /** After every scroll and every change: what the position means. */
  private moved(): void {
    const t = this.chat.store.timelines.get(this.room);
    const r = this.chat.store.rooms.get(this.room);
    if (!t || !r) return;
    const unread = r.unread > 0 ? `${r.unread > 99 ? "99+" : r.unread} new ${r.unread === 1 ? "message" : "messages"}` : "To the newest";
    if (this.jump.textContent !== unread) replace(this.jump, unread, icon("down"));
    this.jump.hidden = this.scroller.stuck;
    if (this.scroller.stuck && document.visibilityState === "visible" && document.hasFocus()) this.chat.seen(this.room);
    const online = this.chat.store.connection === "online";
    if (online && t.loaded && t.prev !== null && this.scroller.top < loadAhead) void this.chat.loadOlder(this.room);
  }

  private listen(): void {
    window.addEventListener("focus", () => this.moved());
    document.addEventListener("visibilitychange", () => this.moved());
    const arm = (e: Event): void => this.arm((e.target as Element).closest<HTMLElement>(".row"));
    this.list.addEventListener("mouseover", arm);
    this.list.addEventListener("focusin", arm);
    this.list.addEventListener("click", arm); // a tap
    this.list.addEventListener("mouseleave", () => {
      if (!this.toolbar.element.contains(document.activeElement)) this.toolbar.element.remove();
    });
    this.list.addEventListener("keydown", (e) => this.key(e));
  }

  private arm(element: HTMLElement | null): void {
    if (!element || this.toolbar.element.parentElement === element) return;
    const row = this.chat.store.timelines.get(this.room)?.row(element.dataset["key"] ?? "");
    if (row?.state === "sent" && !row.message.deleted) this.toolbar.attach(element, row.message.room, row.message.id);
    else this.toolbar.element.remove();
  }

  private key(e: KeyboardEvent): void {
    const row = (e.target as Element).closest<HTMLElement>(".row");
    const next = e.key === "ArrowUp" ? row?.previousElementSibling : e.key === "ArrowDown" ? row?.nextElementSibling : null;
    if (!row || !(next instanceof HTMLElement)) return;
    e.preventDefault();
    row.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  private elementOf(id: string): HTMLElement | undefined {
    const row = this.chat.store.timelines.get(this.room)?.byId(id);
    return row && this.drawn.get(row.key)?.element;
  }

  toBottom(): void {
    this.scroller.toBottom();
  }

  react(m: Message, emoji: string): void {
    this.chat.react(m, emoji).catch((e: unknown) => this.chat.report(reasonOf(e)));
  }

  goTo(id: string): void {
    const e = this.elementOf(id);
    if (!e) return this.chat.report("That message is further up; scroll there to see it.");
    this.scroller.toElement(e);
    e.focus({ preventScroll: true });
  }

  retry(nonce: string): void {
    this.chat.retry(this.room, nonce);
  }

  discard(nonce: string): void {
    this.chat.discard(this.room, nonce);
  }
}
