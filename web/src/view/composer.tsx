// Where messages are written.

import { untracked, useSignal, useSignalEffect, type Signal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { reasonOf } from "../chat/reason.ts";
import { plain } from "../text/markdown.ts";
import type { Message } from "../wire/types.ts";
import { words } from "../words/words.ts";
import { Choices, optionId } from "./choices.tsx";
import { Completer, type Edited } from "./completer.ts";
import { useChat } from "./context.ts";
import { chooseEmoji } from "./doors.tsx";
import { Icon, IconButton } from "./icon.tsx";

/** What the text is going to be. */
export type Mode = { kind: "post" } | { kind: "reply"; to: Message } | { kind: "edit"; message: Message };

const touch = matchMedia("(pointer: coarse)");
const longest = 16_000;

interface ComposerProps {
  id: string;
  title: string;
  mode: Signal<Mode>;
  posted: () => void;
}

export function Composer({ id, title, mode, posted }: ComposerProps) {
  const chat = useChat();
  const input = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  const completer = useMemo(() => new Completer(chat, id), [chat, id]);
  const text = useSignal(chat.store.drafts.get(id));
  useLayoutEffect(() => grow(input.current!), [text.value]);
  useEffect(() => {
    if (!touch.matches) input.current?.focus();
  }, []);
  const set = (value: string): void => {
    text.value = value;
    if (mode.peek().kind !== "edit") chat.store.drafts.set(id, value);
  };
  // What another tab writes, or was kept, shows here, unless somebody writes here.
  const takeOver = (): void => {
    const told = chat.store.drafts.told.peek(id);
    if (told === undefined || mode.peek().kind === "edit") return;
    text.value = told;
    chat.store.drafts.told.delete(id);
  };
  useSignalEffect(() => {
    const told = chat.store.drafts.told.get(id) !== undefined;
    const writes = text.peek() !== "" && document.hasFocus() && document.activeElement === input.current;
    if (told && !writes) untracked(takeOver);
  });
  const put = (e: Edited | null): void => {
    if (!e || !input.current) return;
    input.current.value = e.text; // now, for the caret to stand in it
    input.current.setSelectionRange(e.caret, e.caret);
    set(e.text);
  };
  const caret = (): number => input.current?.selectionStart ?? 0;
  const take = (index: number): void => put(completer.take(index, text.peek(), caret()));
  const look = async (): Promise<void> => {
    const typed = text.peek();
    const named = await completer.named(typed, caret()).catch(() => null);
    if (text.peek() !== typed) return;
    put(named);
    await completer.look(text.peek(), caret());
  };
  const insert = (emoji: string): void => {
    const at = caret();
    const now = text.peek();
    put({ text: now.slice(0, at) + emoji + now.slice(at), caret: at + emoji.length });
    input.current?.focus();
  };
  const shownMode = useRef<Mode>(mode.peek());
  useEffect(() => {
    const old = shownMode.current;
    shownMode.current = mode.value;
    if (mode.value.kind === "edit") text.value = mode.value.message.body;
    else if (old.kind === "edit") text.value = chat.store.drafts.get(id);
    if (mode.value !== old) input.current?.focus();
  }, [mode.value]);

  const submit = async (): Promise<void> => {
    const body = text.peek().trim();
    const m = mode.peek();
    if (!body) return;
    completer.close();
    if (m.kind === "edit" && !(await change(chat, m.message, body))) return; // the text stays, to try again
    if (m.kind !== "edit") chat.posting.post(id, body, m.kind === "reply" ? m.to.id : undefined);
    if (m.kind !== "edit") set("");
    mode.value = { kind: "post" };
    if (m.kind !== "edit") posted();
  };
  const key = (e: KeyboardEvent): void => {
    if (e.isComposing) return; // Enter ends an input method's word
    if (completer.isOpen && completing(e, completer, take)) return e.preventDefault();
    if (e.key === "Enter" && !e.shiftKey && !touch.matches) {
      e.preventDefault();
      void submit();
    } else if (e.key === "Escape" && mode.peek().kind !== "post") {
      mode.value = { kind: "post" };
    } else if (e.key === "ArrowUp" && !text.peek() && mode.peek().kind === "post") {
      const own = lastOwn(chat, id);
      if (own) mode.value = { kind: "edit", message: own };
      if (own) e.preventDefault();
    }
  };
  return (
    <form
      class="composer"
      onSubmit={(e) => {
        e.preventDefault();
        void submit();
      }}
    >
      <Note mode={mode} />
      <Choices id={list} completer={completer} take={take} />
      <div class="composer-line">
        <textarea
          ref={input}
          rows={1}
          maxLength={longest}
          dir="auto"
          placeholder={words.messageTo(title)}
          aria-label={words.messageTo(title)}
          data-testid="composer"
          aria-autocomplete="list"
          aria-controls={completer.choices.value.length > 0 ? list : undefined}
          aria-activedescendant={completer.choices.value.length > 0 ? optionId(list, completer.chosen.value) : undefined}
          value={text.value}
          onInput={(e) => {
            set(e.currentTarget.value);
            if (text.peek() && mode.peek().kind !== "edit") chat.posting.typed(id);
            void look();
          }}
          onBlur={() => {
            completer.close();
            takeOver();
          }}
          onClick={() => void completer.look(text.peek(), caret())}
          onKeyDown={key}
        />
        <IconButton name="smile" label={words.chooseEmoji} onClick={() => chooseEmoji(chat, insert)} />
        <button type="submit" class="send" title={words.send} aria-label={words.send} disabled={text.value.trim() === ""}>
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}

/** What keys do while there are choices; tells whether they did. */
function completing(e: KeyboardEvent, completer: Completer, take: (index: number) => void): boolean {
  if (e.key === "ArrowDown") completer.move(1);
  else if (e.key === "ArrowUp") completer.move(-1);
  else if ((e.key === "Enter" || e.key === "Tab") && !e.shiftKey) take(completer.chosen.peek());
  else if (e.key === "Escape") completer.dismiss();
  else return false;
  return true;
}

function Note({ mode }: { mode: Signal<Mode> }) {
  const { store } = useChat();
  const m = mode.value;
  if (m.kind === "post") return null;
  return (
    <div class="composer-note" data-testid="composer-note">
      <Icon name={m.kind === "reply" ? "reply" : "pencil"} />
      {m.kind === "edit" ? (
        <span>{words.editing}</span>
      ) : (
        <span>
          <bdi>{words.replyingTo(store.people.nameOf(m.to.user))}</bdi> <bdi class="soft">{plain(m.to.body)}</bdi>
        </span>
      )}
      <IconButton name="close" label={words.cancel} onClick={() => (mode.value = { kind: "post" })} />
    </div>
  );
}

async function change(chat: Chat, m: Message, body: string): Promise<boolean> {
  try {
    if (body !== m.body) await chat.posting.edit(m, body);
    return true;
  } catch (e) {
    chat.report(words.notChanged(reasonOf(e)));
    return false;
  }
}

function lastOwn(chat: Chat, room: string): Message | undefined {
  const rows = chat.store.timeline(room).rows.peek();
  const own = rows.findLast((e) => {
    const { message: m, state } = e.shown.peek();
    return state === "sent" && m.user === chat.store.myId && !m.deleted;
  });
  return own?.shown.peek().message;
}

/** As high as its text, within what CSS allows. */
function grow(e: HTMLTextAreaElement): void {
  e.style.height = "auto";
  if (e.value) e.style.height = `${e.scrollHeight}px`;
}
