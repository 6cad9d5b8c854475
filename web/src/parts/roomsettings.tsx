// The settings of a room, and who may do what in it: a chunk of its own.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { reasonOf, sentence } from "../chat/reason.ts";
import { Avatar } from "../view/avatar.tsx";
import { closeDialog, Confirm, Dialog, openDialog } from "../view/dialog.tsx";
import { Form, type Values } from "../view/form.tsx";
import { IconButton } from "../view/icon.tsx";
import { goTo, home } from "../view/route.ts";
import { api } from "../wire/api.ts";
import type { Member, Room, RoomRole } from "../wire/types.ts";
import { words } from "../words/words.ts";
import { Saved, Section } from "./settings.tsx";

const mostShown = 50;
const roles = ["member", "moderator", "owner"] as const;

/** What the server would let this user do; it decides, this only leaves out what it would refuse. */
function rights(chat: Chat, r: Room): { change: boolean; own: boolean } {
  const admin = chat.store.me.value?.role === "admin" && !r.private;
  return { change: admin || r.role === "owner" || r.role === "moderator", own: admin || r.role === "owner" };
}

export function RoomSettings({ chat, id }: { chat: Chat; id: string }) {
  const r = chat.store.rooms.get(id);
  if (!r) return null;
  const may = rights(chat, r);
  return (
    <Dialog title={words.roomSettings}>
      {may.change && (
        <Section title={r.name}>
          <Facts chat={chat} room={r} />
        </Section>
      )}
      <Section title={words.members}>
        <People chat={chat} room={r} />
      </Section>
      <Section title={words.leaveRoom}>
        <Leave chat={chat} room={r} />
      </Section>
      {may.own && (
        <Section title={words.deleteRoom}>
          <Delete chat={chat} room={r} />
        </Section>
      )}
    </Dialog>
  );
}

function Facts({ chat, room: r }: { chat: Chat; room: Room }) {
  const fields = [
    { name: "name", label: words.roomName, hint: words.usernameHint, value: r.name, required: true },
    { name: "topic", label: words.topic, value: r.topic },
    { name: "private", label: words.private, type: "checkbox" as const, hint: words.privateHint, value: String(r.private) },
  ];
  const save = async (v: Values): Promise<void> => {
    const now = { name: v["name"]!.trim(), topic: v["topic"]!.trim(), private: v["private"] === "true" };
    const { name, topic, private: hidden } = await api.changeRoom(r.id, now);
    chat.store.rooms.setFacts({ ...(chat.store.rooms.peek(r.id) ?? r), name, topic, private: hidden });
  };
  return <Saved>{(done) => <Form fields={fields} submit={words.save} then={(v) => save(v).then(done)} focus={false} />}</Saved>;
}

function People({ chat, room: r }: { chat: Chat; room: Room }) {
  const { people } = chat.store;
  const wanted = useSignal("");
  const error = useSignal("");
  useEffect(() => void chat.rooms.members.many(r.id), [r.id]);
  const found = useComputed(() => {
    const w = wanted.value.trim().toLowerCase().replace(/^@/, "");
    const all = people.members.get(r.id) ?? [];
    const named = all.filter((m) => m.username.includes(w) || m.display_name.toLowerCase().includes(w));
    const weight = (m: Member): number => -roles.indexOf((m.room_role || "member") as (typeof roles)[number]);
    return named.sort((a, b) => weight(a) - weight(b) || a.username.localeCompare(b.username));
  });
  const act = async (what: () => Promise<void>): Promise<void> => {
    error.value = "";
    try {
      await what();
    } catch (e) {
      error.value = sentence(reasonOf(e));
    }
    await chat.rooms.loadMembers(r.id);
  };
  const shown = found.value.slice(0, mostShown);
  return (
    <>
      <input type="search" class="find" aria-label={words.findMember} placeholder={words.findMember} onInput={(e) => (wanted.value = e.currentTarget.value)} />
      <p class="form-error" role="alert">
        {error.value}
      </p>
      <ul class="browse">
        {shown.map((m) => (
          <Person key={m.id} chat={chat} room={r} member={m} act={act} />
        ))}
      </ul>
      {shown.length === 0 && <p class="soft">{words.noSuchMember}</p>}
      {found.value.length > mostShown && <p class="soft">{words.more(found.value.length - mostShown)}</p>}
    </>
  );
}

interface PersonProps {
  chat: Chat;
  room: Room;
  member: Member;
  act: (what: () => Promise<void>) => Promise<void>;
}

function Person({ chat, room: r, member: m, act }: PersonProps) {
  const may = rights(chat, r);
  const name = m.display_name || m.username;
  const own = m.id === chat.store.myId;
  const lesser = m.room_role === "member" || m.room_role === "";
  const setRole = (role: RoomRole): Promise<void> => act(() => api.setRole(r.id, m.id, role));
  return (
    <li>
      <Avatar id={m.id} name={name} />
      <div class="about">
        <strong>
          <bdi>{name}</bdi>
        </strong>
        <span>@{m.username}</span>
      </div>
      {may.own ? (
        <select aria-label={words.roleOf(name)} value={m.room_role || "member"} onChange={(e) => void setRole(e.currentTarget.value as RoomRole)}>
          {roles.map((role) => (
            <option key={role} value={role}>
              {words.roles[role]}
            </option>
          ))}
        </select>
      ) : (
        <span>{words.role[m.room_role]}</span>
      )}
      {!own && (may.own || (may.change && lesser)) && (
        <IconButton name="close" label={words.removeMember(name)} onClick={() => void act(() => api.removeMember(r.id, m.id))} />
      )}
    </li>
  );
}

function Leave({ chat, room: r }: { chat: Chat; room: Room }) {
  const text = r.private ? words.leavePrivate : words.leavePublic;
  const leave = (): void => {
    chat.rooms.leave(r.id).then(
      () => goTo(home),
      (e: unknown) => chat.report(reasonOf(e)),
    );
  };
  return (
    <>
      <p class="soft">{text}</p>
      <button type="button" onClick={() => openDialog(<Confirm title={words.leaveAsk(r.name)} text={text} yes={words.leave} then={leave} />)}>
        {words.leave}
      </button>
    </>
  );
}

function Delete({ chat, room: r }: { chat: Chat; room: Room }) {
  const remove = async (v: Values): Promise<void> => {
    if (v["confirm"]!.trim() !== r.name) throw new Error(words.wrongName);
    await api.deleteRoom(r.id);
    chat.store.removeRoom(r.id);
    closeDialog();
    goTo(home);
    chat.report(words.roomDeleted);
  };
  return (
    <div class="dangerous">
      <p class="soft">{words.deleteRoomText}</p>
      <Form fields={[{ name: "confirm", label: words.typeName(r.name) }]} submit={words.deleteRoom} then={remove} focus={false} />
    </div>
  );
}
