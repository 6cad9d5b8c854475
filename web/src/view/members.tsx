import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { reasonOf } from "../chat/reason.ts";
import { byName } from "../text/collate.ts";
import type { Member, Room, Status } from "../wire/types.ts";
import { words } from "../words/words.ts";
import { Avatar, Dot } from "./avatar.tsx";
import { useChat } from "./context.ts";
import { Confirm, openDialog } from "./dialog.tsx";
import { addSomeone } from "./doors.tsx";
import { IconButton } from "./icon.tsx";
import { goTo, home, roomHref } from "./route.ts";
import { Rows, type RowsProps } from "./rows.tsx";

const rank: Record<Status, number> = { online: 0, busy: 1, away: 2, offline: 3 };

export function Members({ id, close }: { id: string; close: () => void }) {
  const chat = useChat();
  const { people } = chat.store;
  const groups = useGroups(id);
  const { here, away } = groups.value;
  const members = useComputed(() => new Map(people.members.get(id)?.map((m) => [m.id, m])));
  const whole = people.moreMembers.get(id) === undefined;
  const more = (): void => void chat.rooms.members.more(id);
  const row = (key: string): ComponentChildren => {
    const m = members.value.get(key);
    return m && <Person member={m} />;
  };
  return (
    <aside class="members" id="members" aria-label={words.members} data-testid="members" onKeyDown={(e) => e.key === "Escape" && close()}>
      <header>
        <h2>{words.membersHere(people.online.get(id) ?? here.length)}</h2>
        <IconButton name="close" label={words.closeMembers} onClick={close} />
      </header>
      <div class="groups" data-scroller>
        <Group title={words.here} keys={here} row={row} whole={whole} {...(away.length > 0 ? {} : { nearEnd: more })} />
        <Group title={words.notHere} keys={away} row={row} whole={whole} nearEnd={more} />
      </div>
      <Foot id={id} />
    </aside>
  );
}

/** The ids of those who are here, and of those who are not, by name; who is busy or away comes after the others. */
function useGroups(id: string) {
  const { people } = useChat().store;
  const named = useComputed(() => {
    const members = (people.members.get(id) ?? []).map((m) => ({ id: m.id, name: people.nameOf(m.id) }));
    return members.sort((a, b) => byName(a.name, b.name)).map((m) => m.id);
  });
  return useComputed(() => {
    const known = named.value.map((id) => ({ id, status: people.statusOf(id) }));
    const here = known.filter((m) => m.status !== "offline").sort((a, b) => rank[a.status] - rank[b.status]);
    const away = known.filter((m) => m.status === "offline");
    return { here: here.map((m) => m.id), away: away.map((m) => m.id) };
  });
}

function Group({ title, ...rows }: { title: string } & RowsProps) {
  const id = useId();
  if (rows.keys.length === 0) return null;
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      <Rows {...rows} />
    </section>
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
        <span class="handle">
          <bdi>@{m.username}</bdi>
        </span>
        <span class="hidden">{words.status[status]}</span>
      </span>
      {words.role[m.room_role] && <span class="role">{words.role[m.room_role]}</span>}
    </>
  );
  if (m.id === chat.store.me.value?.id) return <div class="member">{content}</div>;
  return (
    <button type="button" class="member" title={words.messagePerson(name)} onClick={open}>
      {content}
    </button>
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
