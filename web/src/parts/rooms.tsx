// What is opened to get at rooms: a chunk of its own.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { reasonOf, sentence } from "../chat/reason.ts";
import { closeDialog, Dialog, FormDialog } from "../view/dialog.tsx";
import { Icon } from "../view/icon.tsx";
import { goTo, roomHref } from "../view/route.ts";
import type { Room } from "../wire/types.ts";
import { words } from "../words/words.ts";

const nameOf = (typed: string | undefined): string => (typed ?? "").trim().replace(/^@/, "");

export function MakeRoom({ chat }: { chat: Chat }) {
  const fields = [
    { name: "name", label: words.roomName, hint: words.usernameHint, required: true },
    { name: "topic", label: words.roomTopic },
    { name: "private", label: words.private, type: "checkbox" as const, hint: words.privateHint },
  ];
  const make = async (v: Record<string, string>): Promise<void> => {
    const r = await chat.rooms.make(v["name"]!.trim(), v["topic"]!.trim(), v["private"] === "true");
    goTo(roomHref(r.id));
  };
  return <FormDialog title={words.makeRoom} fields={fields} submit={words.makeTheRoom} then={make} />;
}

export function MessageSomeone({ chat }: { chat: Chat }) {
  const fields = [{ name: "users", label: words.username, required: true }];
  const open = async (v: Record<string, string>): Promise<void> => goTo(roomHref((await chat.rooms.direct(nameOf(v["users"]))).id));
  return <FormDialog title={words.messageSomeone} fields={fields} submit={words.open} then={open} />;
}

export function AddSomeone({ chat, room }: { chat: Chat; room: Room }) {
  const fields = [{ name: "username", label: words.username, required: true }];
  const add = (v: Record<string, string>): Promise<void> => chat.rooms.add(room.id, nameOf(v["username"]));
  return <FormDialog title={words.addTo(room.name)} fields={fields} submit={words.add} then={add} />;
}

export function BrowseRooms({ chat }: { chat: Chat }) {
  const rooms = useSignal<Room[] | null>(null);
  const error = useSignal("");
  const wanted = useSignal("");
  const find = useRef<HTMLInputElement>(null);
  useEffect(() => {
    find.current?.focus();
    chat.rooms.browse().then(
      (found) => (rooms.value = found),
      (e: unknown) => (error.value = sentence(reasonOf(e))),
    );
  }, []);
  const found = useComputed(() => {
    const w = wanted.value.trim().toLowerCase();
    return (rooms.value ?? []).filter((r) => r.name.includes(w) || r.topic.toLowerCase().includes(w));
  });
  const choose = async (r: Room): Promise<void> => {
    try {
      goTo(roomHref((r.role ? r : await chat.rooms.join(r.id)).id));
      closeDialog();
    } catch (e) {
      error.value = sentence(reasonOf(e));
    }
  };
  const none = rooms.value === null ? words.loading : rooms.value.length === 0 ? words.noPublicRooms : words.noSuchName;
  return (
    <Dialog title={words.publicRooms}>
      <input ref={find} type="search" class="find" aria-label={words.findRoom} placeholder={words.findRoom} onInput={(e) => (wanted.value = e.currentTarget.value)} />
      {error.value && (
        <p class="form-error" role="alert">
          {error.value}
        </p>
      )}
      {found.value.length === 0 && !error.value && <p class="none">{none}</p>}
      <ul class="browse">
        {found.value.map((r) => (
          <Found key={r.id} room={r} choose={() => void choose(r)} />
        ))}
      </ul>
    </Dialog>
  );
}

function Found({ room: r, choose }: { room: Room; choose: () => void }) {
  const people = words.people(r.members);
  return (
    <li>
      <Icon name="hash" />
      <div class="about">
        <strong>
          <bdi>{r.name}</bdi>
        </strong>
        <span>
          {people}
          {r.topic && " · "}
          <bdi>{r.topic}</bdi>
        </span>
      </div>
      <button type="button" class={r.role ? "" : "primary"} aria-label={r.role ? words.openRoom(r.name) : words.joinRoom(r.name)} onClick={choose}>
        {r.role ? words.open : words.join}
      </button>
    </li>
  );
}
