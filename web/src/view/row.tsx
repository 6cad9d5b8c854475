// One message of the list. It is drawn again when its own signal, or a name in it, changes. Its parts without a state
// are called, not mounted: each component that a row has costs a start as much as its elements.

import { useComputed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Entry, Shown } from "../store/entry.ts";
import type { Store } from "../store/store.ts";
import { plain } from "../text/markdown.ts";
import { clockTime, dayName, fullTime } from "../text/time.ts";
import type { Message } from "../wire/types.ts";
import { words } from "../words/words.ts";
import { Avatar } from "./avatar.tsx";
import { Body } from "./body.tsx";
import { useChat } from "./context.ts";
import { count } from "./counters.ts";
import { Icon } from "./icon.tsx";
import type { RowActions } from "./rowactions.ts";
import type { Selection } from "./selection.ts";
import { Tools } from "./tools.tsx";

export interface RowProps {
  entry: Entry;
  head: boolean; // not of the same author, a moment after the one before
  day: boolean; // the first of a day
  fresh: boolean; // the first unread when the room was opened
  act: RowActions;
  selection: Selection;
}

export function Row({ entry, head, day, fresh, act, selection }: RowProps) {
  count("rows");
  const { store } = useChat();
  const { message: m, state } = entry.shown.value;
  const name = store.people.nameOf(m.user);
  const me = store.me.value?.id ?? "";
  const named = m.user !== me && (m.everyone || m.mentions?.includes(me));
  useEffect(() => () => selection.forget(entry.key), [entry.key]);
  return (
    <article
      class={`row ${state}${named ? " named" : ""}`}
      tabIndex={-1}
      data-key={entry.key}
      data-id={m.id}
      data-state={state}
      data-testid="message"
      aria-label={head ? undefined : name}
    >
      {day && Day({ at: m.at })}
      {fresh && (
        <div class="fresh" data-testid="new-line">
          <span>{words.newLine}</span>
        </div>
      )}
      <div class={head ? "message head" : "message"}>
        {head ? Avatar({ id: m.user, name }) : Gutter({ at: m.at })}
        <div class="column">
          {head && (
            <div class="meta">
              <strong>
                <bdi>{name}</bdi>
              </strong>
              {Time({ at: m.at })}
            </div>
          )}
          {m.reply_to && <Quote room={m.room} id={m.reply_to} act={act} />}
          {Content({ store, shown: entry.shown.value })}
          {m.reactions && m.reactions.length > 0 && Reactions({ message: m, act })}
          {state === "failed" && <Failure entry={entry} act={act} />}
        </div>
        {state === "sent" && !m.deleted && <Tools entry={entry} act={act} selection={selection} />}
      </div>
    </article>
  );
}

function Day({ at }: { at: string }) {
  const name = dayName(at);
  return (
    <div class="day">
      <time dateTime={at.slice(0, 10)}>{typeof name === "string" ? words[name] : name.date}</time>
    </div>
  );
}

/** The title, and what the gutter shows, are filled in by tellTimes. */
function Time({ at }: { at: string }) {
  return <time dateTime={at}>{clockTime(at)}</time>;
}

function Gutter({ at }: { at: string }) {
  return (
    <span class="gutter">
      <time dateTime={at} />
    </span>
  );
}

function Content({ store, shown: { message: m, state } }: { store: Store; shown: Shown }) {
  if (m.deleted) return <p class="gone">{words.deleted}</p>;
  const names = new Set((m.mentions ?? []).map((id) => store.people.users.get(id)?.username ?? ""));
  if (m.everyone) for (const n of ["room", "all", "here"]) names.add(n);
  return (
    <div class="content">
      {Body({ text: m.body, isName: (n) => names.has(n) })}
      {m.edited_at && (
        <span class="edited" title={fullTime(m.edited_at)} data-testid="edited">
          {words.edited}
        </span>
      )}
      {state === "pending" && (
        <span class="waiting" role="img" aria-label={words.waiting} title={words.waiting}>
          <Icon name="clock" />
        </span>
      )}
    </div>
  );
}

function Quote({ room, id, act }: { room: string; id: string; act: RowActions }) {
  const chat = useChat();
  const quoted = useComputed(() => chat.store.quoted(room, id));
  useEffect(() => chat.missing.quote(room, id), [room, id]);
  const q = quoted.value;
  const text = !q ? words.earlierMessage : q.deleted ? words.deletedMessage : plain(q.body);
  return (
    <button type="button" class="quote" onClick={() => act.goTo(id)} data-testid="quote">
      <Icon name="reply" />
      <span class="hidden">{words.inReplyTo}</span>
      {q && (
        <strong>
          <bdi>{chat.store.people.nameOf(q.user)}</bdi>
        </strong>
      )}
      <bdi class="quoted">{text}</bdi>
    </button>
  );
}

function Reactions({ message: m, act }: { message: Message; act: RowActions }) {
  return (
    <div class="reactions">
      {m.reactions?.map((r) => (
        <button
          key={r.emoji}
          type="button"
          class="chip"
          aria-pressed={r.me}
          aria-label={words.reaction(r.emoji, r.count, r.me)}
          onClick={() => act.react(m, r.emoji)}
          data-testid="reaction"
        >
          {r.emoji}
          <span>{r.count}</span>
        </button>
      ))}
    </div>
  );
}

function Failure({ entry, act }: { entry: Entry; act: RowActions }) {
  return (
    <div class="failure" role="alert">
      <span>{words.notSent(entry.shown.value.error ?? words.someError)}</span>
      <button type="button" onClick={() => act.retry(entry.key)}>
        {words.tryAgain}
      </button>
      <button type="button" onClick={() => act.discard(entry.key)}>
        {words.discard}
      </button>
    </div>
  );
}
