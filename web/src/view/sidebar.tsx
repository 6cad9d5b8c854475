import { useComputed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { reasonOf } from "../chat/reason.ts";
import { unreadLimit } from "../store/rooms.ts";
import { byName } from "../text/collate.ts";
import type { Room } from "../wire/types.ts";
import { words } from "../words/words.ts";
import { Avatar, Dot } from "./avatar.tsx";
import { useChat } from "./context.ts";
import { Confirm, openDialog } from "./dialog.tsx";
import { browseRooms, makeRoom, messageSomeone, settings } from "./doors.tsx";
import { Icon, IconButton, Logo } from "./icon.tsx";
import { roomHref } from "./route.ts";
import { Rows } from "./rows.tsx";

export function Sidebar() {
  return (
    <nav class="sidebar" aria-label={words.roomsLandmark} data-testid="sidebar" onKeyDown={moveByArrows}>
      <div class="brand">
        <Logo />
        <span>{words.name}</span>
      </div>
      <div class="sections" data-scroller>
        <NamedRooms />
        <DirectRooms />
      </div>
      <Me />
    </nav>
  );
}

function NamedRooms() {
  const chat = useChat();
  const ids = useComputed(() => {
    const named = chat.store.rooms.joined.value.filter((r) => !r.direct);
    return named.sort((a, b) => byName(a.name, b.name)).map((r) => r.id).join();
  });
  return (
    <section>
      <div class="section-title">
        <h2>{words.rooms}</h2>
        <IconButton name="search" label={words.browseRooms} onClick={() => browseRooms(chat)} />
        <IconButton name="plus" label={words.makeRoom} onClick={() => makeRoom(chat)} />
      </div>
      <RoomList ids={ids.value} />
      {ids.value === "" && (
        <div class="none">
          <p>{words.noRooms}</p>
          <button type="button" onClick={() => browseRooms(chat)}>
            {words.browse}
          </button>
          <button type="button" onClick={() => makeRoom(chat)}>
            {words.makeOne}
          </button>
        </div>
      )}
    </section>
  );
}

function DirectRooms() {
  const chat = useChat();
  const ids = useComputed(() => {
    const direct = chat.store.rooms.joined.value.filter((r) => r.direct);
    return direct.sort((a, b) => ((a.last?.id ?? "") < (b.last?.id ?? "") ? 1 : -1)).map((r) => r.id).join();
  });
  return (
    <section>
      <div class="section-title">
        <h2>{words.directs}</h2>
        <IconButton name="plus" label={words.messageSomeone} onClick={() => messageSomeone(chat)} />
      </div>
      <RoomList ids={ids.value} />
      {ids.value === "" && <p class="none">{words.noDirects}</p>}
    </section>
  );
}

const link = (id: string) => <RoomLink id={id} />;

function RoomList({ ids }: { ids: string }) {
  const { store } = useChat();
  const keys = useMemo(() => ids.split(",").filter(Boolean), [ids]);
  return <Rows keys={keys} row={link} current={store.rooms.open.value} />;
}

function RoomLink({ id }: { id: string }) {
  const { store } = useChat();
  const r = store.rooms.get(id);
  if (!r) return null;
  const current = store.rooms.open.value === id;
  return (
    <a href={roomHref(id)} class={r.unread > 0 ? "unread" : ""} aria-current={current ? "page" : undefined} data-testid="room-link">
      <Sign room={r} />
      <span class="title">
        <bdi>{store.titleOf(r) || words.direct}</bdi>
      </span>
      {r.unread > 0 && <Badge room={r} />}
    </a>
  );
}

function Sign({ room: r }: { room: Room }) {
  const { store } = useChat();
  if (!r.direct) return <Icon name={r.private ? "lock" : "hash"} />;
  const other = store.others(r.id)[0];
  const status = other ? store.people.statusOf(other) : "offline";
  return <Dot status={status} label={words.status[status]} />;
}

function Badge({ room: r }: { room: Room }) {
  const n = r.unread >= unreadLimit ? `${unreadLimit - 1}+` : String(r.unread);
  const named = r.mentions > 0;
  return (
    <span class={named ? "badge named" : "badge"} role="img" aria-label={words.unread(n, named)} data-testid="badge">
      {named ? `@ ${n}` : n}
    </span>
  );
}

function Me() {
  const chat = useChat();
  const me = chat.store.me.value;
  if (!me) return null;
  const name = me.display_name || me.username;
  const out = (): void => void chat.logout().catch((e: unknown) => chat.report(reasonOf(e)));
  const ask = (): void => openDialog(<Confirm title={words.signOutAsk} text={words.signOutText} yes={words.signOut} then={out} />);
  return (
    <div class="me">
      <Avatar id={me.id} name={name} />
      <div class="who">
        <strong data-testid="my-name">
          <bdi>{name}</bdi>
        </strong>
        <span class="handle">
          <bdi>@{me.username}</bdi>
        </span>
      </div>
      <IconButton name="sliders" label={words.settings} onClick={() => settings(chat)} />
      <IconButton name="leave" label={words.signOut} onClick={ask} />
    </div>
  );
}

/** The arrows go from the rooms to the direct messages and back; within either, see RowKeeper. */
function moveByArrows(e: KeyboardEvent): void {
  const step = e.key === "ArrowDown" ? 1 : e.key === "ArrowUp" ? -1 : 0;
  const nav = e.currentTarget as HTMLElement;
  const links = [...nav.querySelectorAll<HTMLElement>("li a")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (step === 0 || at < 0) return;
  e.preventDefault();
  links[at + step]?.focus();
}
