// The page: which of its faces is shown, by the address and by who is signed in.

import { untracked, useSignal, useSignalEffect, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import quietIcon from "../icon.svg";
import unreadIcon from "../icon-unread.svg";
import { words } from "../words/words.ts";
import { Register, SignIn, Starting, Unreachable } from "./account.tsx";
import { ChatContext, useChat } from "./context.ts";
import { closeDialog, DialogHost } from "./dialog.tsx";
import { Members } from "./members.tsx";
import { NewVersion } from "./newversion.tsx";
import { RoomPane } from "./room.tsx";
import { route } from "./route.ts";
import { Sidebar } from "./sidebar.tsx";
import { Toasts } from "./toast.tsx";

export function App({ chat }: { chat: Chat }) {
  useTitle(chat);
  useSignalEffect(() => {
    void chat.phase.value;
    closeDialog();
  });
  return (
    <ChatContext.Provider value={chat}>
      <Face chat={chat} />
      <DialogHost />
      <Toasts />
    </ChatContext.Provider>
  );
}

function Face({ chat }: { chat: Chat }) {
  const r = route.value;
  switch (chat.phase.value) {
    case "starting":
      return <Starting />;
    case "failed":
      return <Unreachable />;
    case "out":
      return r.kind === "register" ? <Register key={r.invite} invite={r.invite} /> : <SignIn />;
    case "in":
      return <Shell />;
  }
}

const longStart = 3000;
const wide = matchMedia("(min-width: 1100px)");

function Shell() {
  const chat = useChat();
  const { rooms } = chat.store;
  const members = useSignal(wide.matches);
  useEffect(() => {
    const change = (): void => void (members.value = wide.matches);
    wide.addEventListener("change", change);
    return () => wide.removeEventListener("change", change);
  }, []);
  useSignalEffect(() => {
    const r = route.value;
    const room = r.kind === "room" ? r.room : "";
    if (room !== rooms.open.peek()) untracked(() => chat.rooms.show(room));
  });
  const open = rooms.open.value;
  const member = rooms.get(open)?.role;
  const painted = useSignal(false);
  useEffect(() => void (painted.value = true), []);
  return (
    <div class="shell" data-pane={open ? "room" : "list"}>
      {open && (
        <a class="skip" href="#room" onClick={skip}>
          {words.skip}
        </a>
      )}
      <div class="banners">
        <Banner />
        <NewVersion />
      </div>
      <Sidebar />
      <RoomPane members={members} />
      {member && members.value && (painted.value ? <Members key={open} id={open} close={() => (members.value = false)} /> : <aside class="members" />)}
    </div>
  );
}

/** The address says which room is open, so this link must not change it. */
function skip(e: Event): void {
  e.preventDefault();
  document.querySelector<HTMLElement>(".log")?.focus();
}

function Banner() {
  const chat = useChat();
  const state = chat.store.connection.value;
  const begun = useBegun(state === "online");
  const quiet = state === "online" || (state === "connecting" && !begun.value);
  const text = { online: "", connecting: words.reconnecting, waiting: words.lost, offline: words.stopped }[state];
  return (
    <div class={quiet ? "banner quiet" : "banner"} role="status" data-testid="banner" data-state={state}>
      {!quiet && <span>{text}</span>}
      {state === "waiting" && (
        <button type="button" onClick={() => chat.hurry()}>
          {words.tryNow}
        </button>
      )}
    </div>
  );
}

/** Whether the start is over: it is when the page is online for the first time, or has tried for long. */
function useBegun(online: boolean): Signal<boolean> {
  const begun = useSignal(false);
  useEffect(() => {
    if (online) begun.value = true;
    const timer = setTimeout(() => (begun.value = true), longStart);
    return () => clearTimeout(timer);
  }, [online]);
  return begun;
}

function useTitle(chat: Chat): void {
  useSignalEffect(() => {
    const { rooms } = chat.store;
    const r = rooms.get(rooms.open.value);
    const n = rooms.unread.value;
    const count = n > 0 ? `(${n > 99 ? "99+" : n}) ` : "";
    const where = r ? `${chat.store.titleOf(r) || words.direct} · ` : "";
    const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    const href = n > 0 ? unreadIcon : quietIcon;
    if (icon && icon.getAttribute("href") !== href) icon.setAttribute("href", href);
    document.title = `${count}${where}${words.name}`;
  });
}
