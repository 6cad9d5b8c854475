import { useComputed } from "@preact/signals";
import { reasonOf } from "../chat/reason.ts";
import type { Member, Room, Status } from "../wire/types.ts";
import { words } from "../words/en.ts";
import { Avatar, Dot } from "./avatar.tsx";
import { useChat } from "./context.ts";
import { Confirm, openDialog } from "./dialog.tsx";
import { addSomeone } from "./doors.tsx";
import { IconButton } from "./icon.tsx";
import { goTo, home, roomHref } from "./route.ts";

const rank: Record<Status, number> = { online: 0, busy: 1, away: 2, offline: 3 };

export function Members({ id, close }: { id: string; close: () => void }) {
  const { store } = useChat();
  const { people } = store;
  const sorted = useComputed(() => {
    const members = [...(people.members.get(id) ?? [])];
    const order = (m: Member): number => rank[people.statusOf(m.id)];
    return members.sort((a, b) => order(a) - order(b) || people.nameOf(a.id).localeCompare(people.nameOf(b.id)));
  });
  const here = people.online.get(id) ?? sorted.value.filter((m) => people.statusOf(m.id) !== "offline").length;
  return (
    <aside class="members" id="members" aria-label={words.members} data-testid="members" onKeyDown={(e) => e.key === "Escape" && close()}>
      <header>
        <h2>{words.membersHere(here)}</h2>
        <IconButton name="close" label={words.closeMembers} onClick={close} />
      </header>
      <ul>
        {sorted.value.map((m) => (
          <Person key={m.id} member={m} />
        ))}
      </ul>
      <Foot id={id} />
    </aside>
  );
}

function Person({ member: m }: { member: Member }) {
  const chat = useChat();
  const name = chat.store.people.nameOf(m.id);
  const status = chat.store.people.statusOf(m.id);
  const open = (): void => {
    chat.rooms.direct(m.username).then(
      (r) => goTo(roomHref(r.id)),
      (e: unknown) => chat.report(reasonOf(e)),
    );
  };
  const content = (
    <>
      <span class="face">
        <Avatar id={m.id} name={name} />
        <Dot status={status} />
      </span>
      <span class="who">
        <strong>
          <bdi>{name}</bdi>
        </strong>
        <bdi class="handle">@{m.username}</bdi>
        <span class="hidden">{words.status[status]}</span>
      </span>
      {words.role[m.room_role] && <span class="role">{words.role[m.room_role]}</span>}
    </>
  );
  if (m.id === chat.store.me.value?.id) return <li class="member">{content}</li>;
  return (
    <li>
      <button type="button" class="member" title={words.messagePerson(name)} onClick={open}>
        {content}
      </button>
    </li>
  );
}

function Foot({ id }: { id: string }) {
  const chat = useChat();
  const r = chat.store.rooms.get(id);
  if (!r || r.direct) return null;
  return (
    <div class="members-foot">
      {r.role !== "member" && (
        <button type="button" onClick={() => addSomeone(chat, r)}>
          {words.addSomeone}
        </button>
      )}
      <LeaveButton room={r} />
    </div>
  );
}

function LeaveButton({ room: r }: { room: Room }) {
  const chat = useChat();
  const leave = (): void => {
    chat.rooms.leave(r.id).then(
      () => goTo(home),
      (e: unknown) => chat.report(reasonOf(e)),
    );
  };
  const text = r.private ? words.leavePrivate : words.leavePublic;
  const ask = (): void => openDialog(<Confirm title={words.leaveAsk(r.name)} text={text} yes={words.leave} then={leave} />);
  return (
    <button type="button" onClick={ask}>
      {words.leaveRoom}
    </button>
  );
}
