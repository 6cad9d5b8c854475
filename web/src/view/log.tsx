// The message list of a room: a window of its rows, the place in it, and what the place means.

import { untracked, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import type { Entry } from "../store/entry.ts";
import { plain } from "../text/markdown.ts";
import { words } from "../words/words.ts";
import { useChat } from "./context.ts";
import { count } from "./counters.ts";
import { settingOf } from "./grouping.ts";
import { Icon } from "./icon.tsx";
import { LogKeeper } from "./logkeeper.ts";
import { Row } from "./row.tsx";
import type { RowActions } from "./rowactions.ts";
import { Selection } from "./selection.ts";
import { tellTimes } from "./times.ts";

interface LogProps {
  id: string;
  keeper: LogKeeper;
  act: RowActions;
}

export function Log({ id, keeper, act }: LogProps) {
  const chat = useChat();
  const { store } = chat;
  const selection = useMemo(() => new Selection(), []);
  const view = useRef<HTMLDivElement>(null);
  const room = store.rooms.get(id);
  useLayoutEffect(() => keeper.attach(view.current!), [keeper]);
  useLoading(chat, id, keeper);

  const arm = (e: Event): void => {
    const row = (e.target as Element).closest<HTMLElement>(".row");
    if (!row) return;
    tellTimes(row);
    selection.set(row.dataset["key"]!);
  };
  const disarm = (e: MouseEvent): void => {
    if (!(e.currentTarget as Element).querySelector(".tools")?.contains(document.activeElement)) selection.set("");
  };
  const busy = chat.pager.loading.get(id) !== undefined;
  return (
    <div class="log-pane">
      <div
        ref={view}
        class="log"
        role="log"
        tabIndex={0}
        aria-live="off"
        aria-busy={busy}
        aria-label={words.messagesIn(room ? store.titleOf(room) : "")}
        data-testid="log"
        onKeyDown={(e) => keeper.key(e)}
        onMouseOver={arm}
        onFocusIn={arm}
        onClick={arm}
        onMouseLeave={disarm}
      >
        <Top id={id} />
        <Rows id={id} keeper={keeper} act={act} selection={selection} />
      </div>
      <FirstUnread id={id} keeper={keeper} />
      <Jump id={id} keeper={keeper} />
    </div>
  );
}

/** Loads the newest page when it is wanted: at first, after a reset, and when somebody jumps to it. */
function useLoading(chat: Chat, id: string, keeper: LogKeeper): void {
  useSignalEffect(() => {
    const t = chat.store.timeline(id);
    const online = chat.store.connection.value === "online";
    void chat.pager.resumed.value;
    const idle = chat.pager.loading.get(id) === undefined;
    if (online && idle && t.isLive && t.wantsNewest) untracked(() => void chat.pager.newest(id));
    else if (online && idle && t.isStale) untracked(() => void chat.pager.again(id));
    else if (online && idle) requestAnimationFrame(() => keeper.loadMore());
  });
}

function Top({ id }: { id: string }) {
  const { store } = useChat();
  const t = store.timeline(id);
  const r = store.rooms.get(id);
  if (!t.span.value || t.hasOlder) return <Skeleton />;
  return (
    <p class="log-top" data-testid="beginning">
      {r?.direct ? words.beginningDirect : words.beginning(r?.name ?? "")}
    </p>
  );
}

function Skeleton() {
  return (
    <div class="log-top loading" data-testid="loading">
      <span class="hidden">{words.loading}</span>
      {[62, 38, 75].map((width) => (
        <i key={width} class={`bone w${width}`} aria-hidden="true" />
      ))}
    </div>
  );
}

interface RowsProps extends LogProps {
  selection: Selection;
}

function Rows({ id, keeper, act, selection }: RowsProps) {
  count("lists");
  const { store } = useChat();
  const rows = store.timeline(id).rows.value;
  const content = useRef<HTMLDivElement>(null);
  keeper.setRows(rows);
  void keeper.moves.value; // the window was moved
  const readUpTo = keeper.readUpTo.value;
  const { start, end, before, after } = keeper.placed;
  useLayoutEffect(() => keeper.drawn());
  useLayoutEffect(() => keeper.observe(content.current!), [keeper]);
  return (
    <>
      <div class="log-space" style={{ height: `${before}px` }} />
      <div class="log-rows" ref={content}>
        {rows.slice(start, end).map((entry, i) => (
          <Row key={entry.key} entry={entry} {...settingOf(entry, rows[start + i - 1], store.myId, readUpTo)} act={act} selection={selection} />
        ))}
      </div>
      <div class="log-space" style={{ height: `${after}px` }} />
    </>
  );
}

function FirstUnread({ id, keeper }: { id: string; keeper: LogKeeper }) {
  const chat = useChat();
  const placed = chat.store.timeline(id).span.value !== undefined;
  if (!keeper.unreadAbove.value || !placed) return null;
  const go = (): void => void keeper.toFirstUnread().then((found) => found || chat.report(words.goneMessage));
  return (
    <button type="button" class="jump first-unread" data-testid="first-unread" onClick={go}>
      {words.toFirstUnread}
      <Icon name="up" />
    </button>
  );
}

function Jump({ id, keeper }: { id: string; keeper: LogKeeper }) {
  const { store } = useChat();
  const unread = useComputed(() => store.rooms.get(id)?.unread ?? 0);
  if (keeper.atEnd.value) return null;
  return (
    <button type="button" class="jump" data-testid="jump" onClick={() => keeper.toNewest()}>
      {unread.value > 0 ? words.newMessages(unread.value) : words.toNewest}
      <Icon name="down" />
    </button>
  );
}

/** Says what others post while the room is shown; older pages are no news. */
export function Announcer({ id }: { id: string }) {
  const { store } = useChat();
  const said = useSignal("");
  const last = useRef("");
  const newest = useComputed<Entry | undefined>(() => store.timeline(id).rows.value.at(-1));
  useEffect(() => void (last.current = ""), [id]);
  useSignalEffect(() => {
    const m = newest.value?.shown.peek().message;
    if (!m?.id || !store.timeline(id).isLive) return;
    const news = last.current !== "" && m.id > last.current && m.user !== store.myId;
    last.current = m.id;
    if (news) said.value = announce(store, m);
  });
  return (
    <div class="hidden" role="status" aria-live="polite" data-testid="announcer">
      {said.value}
    </div>
  );
}

function announce(store: Chat["store"], m: { user: string; body: string }): string {
  const u = store.people.users.peek(m.user);
  return words.said(u ? u.display_name || u.username : "", plain(m.body));
}
