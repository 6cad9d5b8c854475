import { useSignal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { reasonOf } from "../chat/reason.ts";
import type { Room } from "../wire/types.ts";
import { words } from "../words/words.ts";
import { Composer, type Mode } from "./composer.tsx";
import { useChat } from "./context.ts";
import { Confirm, openDialog } from "./dialog.tsx";
import { browseRooms, jumpToDate, makeRoom, messageSomeone, roomSettings } from "./doors.tsx";
import { Icon, IconButton } from "./icon.tsx";
import { Announcer, Log } from "./log.tsx";
import { LogKeeper } from "./logkeeper.ts";
import { home, route } from "./route.ts";
import type { RowActions } from "./rowactions.ts";

interface RoomProps {
  id: string;
  members: Signal<boolean>;
}

/** The room that is open, a way into it, or what there is to do when none is. */
export function RoomPane({ members }: { members: Signal<boolean> }) {
  const { store } = useChat();
  const id = store.rooms.open.value;
  const r = store.rooms.get(id);
  return (
    <main class="room" id="room">
      {!r ? !id && <Welcome /> : r.role ? <OpenRoom key={id} id={id} members={members} /> : <Stranger key={id} room={r} />}
    </main>
  );
}

function OpenRoom({ id, members }: RoomProps) {
  const chat = useChat();
  const mode = useSignal<Mode>({ kind: "post" });
  const keeper = useMemo(() => new LogKeeper(chat, id), [chat, id]);
  const act = useMemo(() => actions(chat, id, mode, keeper), [chat, id, keeper]);
  const r = chat.store.rooms.get(id);
  const message = route.value.kind === "room" && route.value.room === id ? route.value.message : "";
  useEffect(() => {
    if (message) act.goTo(message);
  }, [message]);
  if (!r) return null;
  return (
    <>
      <Head room={r} members={members} act={act} />
      <Log id={id} keeper={keeper} act={act} />
      <Announcer id={id} />
      <TypingLine id={id} />
      {r.archived ? (
        <p class="archived" role="status">
          {words.archived}
        </p>
      ) : (
        <Composer id={id} title={chat.store.titleOf(r) || words.direct} mode={mode} posted={() => keeper.toNewest()} />
      )}
    </>
  );
}

function actions(chat: Chat, room: string, mode: Signal<Mode>, keeper: LogKeeper): RowActions {
  const report = (e: unknown): void => chat.report(reasonOf(e));
  return {
    react: (m, emoji) => void chat.posting.react(m, emoji).catch(report),
    reply: (to) => void (mode.value = { kind: "reply", to }),
    edit: (message) => void (mode.value = { kind: "edit", message }),
    remove: (m) => {
      const then = (): void => void chat.posting.remove(m).catch(report);
      openDialog(<Confirm title={words.deleteAsk} text={words.deleteText} yes={words.delete} then={then} />);
    },
    goTo: (id) => void keeper.goTo(id).then((found) => found || chat.report(words.goneMessage), report),
    retry: (nonce) => chat.posting.retry(room, nonce),
    discard: (nonce) => chat.posting.discard(room, nonce),
  };
}

function Head({ room: r, members, act }: { room: Room; members?: Signal<boolean>; act?: RowActions }) {
  const chat = useChat();
  const { store } = chat;
  return (
    <header class="room-head">
      <a class="icon-button back" href={home} aria-label={words.back} title={words.back}>
        <Icon name="back" />
      </a>
      <div class="titles">
        <h1 data-testid="room-title">
          {!r.direct && <Icon name={r.private ? "lock" : "hash"} />}
          <bdi>{store.titleOf(r) || words.direct}</bdi>
        </h1>
        {r.topic && (
          <p title={r.topic}>
            <bdi>{r.topic}</bdi>
          </p>
        )}
      </div>
      {act && <IconButton name="calendar" label={words.jumpToDate} onClick={() => jumpToDate(chat, r.id, act.goTo)} />}
      {act && !r.direct && <IconButton name="sliders" label={words.roomSettings} onClick={() => roomSettings(chat, r.id)} />}
      {members && (
        <IconButton name="users" label={words.members} expanded={members.value} controls="members" onClick={() => (members.value = !members.value)} />
      )}
    </header>
  );
}

function TypingLine({ id }: { id: string }) {
  const { store } = useChat();
  const { users, count } = store.typing.of(id);
  return (
    <div class="typing" data-testid="typing">
      {words.typing(users.map((u) => store.people.nameOf(u)), count)}
    </div>
  );
}

function Welcome() {
  const chat = useChat();
  return (
    <div class="empty" data-testid="welcome">
      <Cups />
      <h1>{words.welcome}</h1>
      <p>{words.welcomeText}</p>
      <div class="actions">
        <button type="button" class="primary" onClick={() => makeRoom(chat)}>
          {words.makeRoom}
        </button>
        <button type="button" onClick={() => browseRooms(chat)}>
          {words.browseRooms}
        </button>
        <button type="button" onClick={() => messageSomeone(chat)}>
          {words.messageSomeone}
        </button>
      </div>
    </div>
  );
}

/** Two cups on a table: a talk over coffee. */
function Cups() {
  return (
    <svg class="cups" viewBox="0 0 96 56" aria-hidden="true">
      <path class="steam" d="M24 4c-4 5 4 7 0 12M34 2c-4 5 4 7 0 12M64 8c-4 5 4 7 0 12M74 6c-4 5 4 7 0 12" />
      <path class="cup" d="M12 22h34v12a13 13 0 0 1-13 13h-8a13 13 0 0 1-13-13z" />
      <path class="cup other" d="M52 26h34v10a12 12 0 0 1-12 12H64a12 12 0 0 1-12-12z" />
      <path class="line" d="M12 26h-3a6 6 0 0 0 0 12h4M86 30h3a5.500 5.500 0 0 1 0 11h-4M4 53h88" />
    </svg>
  );
}

function Stranger({ room: r }: { room: Room }) {
  const chat = useChat();
  const join = (): void => void chat.rooms.join(r.id).catch((e: unknown) => chat.report(reasonOf(e)));
  return (
    <>
      <Head room={r} />
      <div class="empty">
        <h2>{r.name}</h2>
        <p dir="auto">{r.topic || words.notMember}</p>
        <div class="actions">
          <button type="button" class="primary" onClick={join}>
            {words.joinTheRoom}
          </button>
        </div>
      </div>
    </>
  );
}
