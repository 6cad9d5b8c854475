// What one can do with a message, on the row that is pointed at or has the focus.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Entry } from "../store/entry.ts";
import { words } from "../words/words.ts";
import { useChat } from "./context.ts";
import { copyText } from "./copy.ts";
import { chooseEmoji } from "./doors.tsx";
import { IconButton } from "./icon.tsx";
import { messageLink } from "./route.ts";
import type { RowActions } from "./rowactions.ts";
import type { Selection } from "./selection.ts";

interface ToolsProps {
  entry: Entry;
  act: RowActions;
  selection: Selection;
}

export function Tools({ entry, act, selection }: ToolsProps) {
  return selection.has(entry.key) ? <Toolbar entry={entry} act={act} /> : null;
}

function Toolbar({ entry, act }: Omit<ToolsProps, "selection">) {
  const chat = useChat();
  const { store } = chat;
  const choosing = useSignal(false);
  const ref = useRef<HTMLDivElement>(null);
  const m = entry.shown.value.message;
  const own = m.user === store.me.value?.id;
  const room = store.rooms.get(m.room);
  const keeper = (room?.role === "owner" || room?.role === "moderator") && !room.direct;
  useEffect(() => {
    if (choosing.value) ref.current?.querySelector("button")?.focus();
  }, [choosing.value]);
  const choose = (emoji: string): void => {
    choosing.value = false;
    act.react(m, emoji);
    ref.current?.closest<HTMLElement>(".row")?.focus();
  };
  const copy = async (): Promise<void> => chat.report((await copyText(messageLink(m))) ? words.linkCopied : words.notCopied);
  const leave = (e: KeyboardEvent): void => {
    if (e.key !== "Escape" || !choosing.value) return;
    e.stopPropagation();
    choosing.value = false;
    ref.current?.closest<HTMLElement>(".row")?.focus();
  };
  return (
    <div ref={ref} class="tools" role="toolbar" aria-label={words.actions} onKeyDown={leave}>
      {choosing.value ? (
        <>
          {Object.entries(words.emoji).map(([emoji, label]) => (
            <button key={emoji} type="button" class="icon-button" title={label} aria-label={label} onClick={() => choose(emoji)}>
              {emoji}
            </button>
          ))}
          <IconButton name="plus" label={words.moreEmoji} onClick={() => chooseEmoji(chat, choose)} />
        </>
      ) : (
        <>
          <IconButton name="smile" label={words.react} onClick={() => (choosing.value = true)} />
          <IconButton name="reply" label={words.reply} onClick={() => act.reply(m)} />
          <IconButton name="link" label={words.copyLink} onClick={() => void copy()} />
          {own && <IconButton name="pencil" label={words.edit} onClick={() => act.edit(m)} />}
          {(own || keeper) && <IconButton name="trash" label={words.delete} onClick={() => act.remove(m)} />}
        </>
      )}
    </div>
  );
}
