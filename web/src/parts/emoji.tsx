// The emoji picker: a chunk of its own.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { closeDialog, Dialog } from "../view/dialog.tsx";
import { remember, remembered } from "../view/remember.ts";
import { words } from "../words/words.ts";
import { emojiGroups, emojiOf, findEmoji, type Emoji, type EmojiGroup } from "./emojilist.ts";

const columns = 8;
const mostFound = 64;
const mostRecent = 16;
const key = "emoji";

function recent(): Emoji[] {
  const chars = (remembered(key) ?? "").split(" ");
  return chars.map(emojiOf).filter((e) => e !== undefined).slice(0, mostRecent);
}

function use(e: Emoji): void {
  const chars = [e, ...recent()].map((x) => x.char);
  remember(key, [...new Set(chars)].slice(0, mostRecent).join(" "));
}

export function EmojiPicker({ choose }: { choose: (emoji: string) => void }) {
  const typed = useSignal("");
  const input = useRef<HTMLInputElement>(null);
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => input.current?.focus(), []);
  const usual = useMemo<readonly EmojiGroup[]>(() => [{ label: words.recentEmoji, emoji: recent() }, ...emojiGroups].filter((g) => g.emoji.length > 0), []);
  const groups = useComputed<readonly EmojiGroup[]>(() =>
    typed.value.trim() ? [{ label: words.found, emoji: findEmoji(typed.value, mostFound) }] : usual,
  );
  const take = (e: Emoji): void => {
    use(e);
    closeDialog();
    choose(e.char);
  };
  const first = (e: KeyboardEvent): void => {
    const found = groups.peek()[0]?.emoji[0];
    if (e.key === "Enter" && typed.peek().trim() && found) take(found);
    else if (e.key === "ArrowDown") body.current?.querySelector("button")?.focus();
    else return;
    e.preventDefault();
  };
  return (
    <Dialog title={words.chooseEmoji}>
      <input
        ref={input}
        type="search"
        class="find"
        aria-label={words.findEmoji}
        placeholder={words.findEmoji}
        onInput={(e) => (typed.value = e.currentTarget.value)}
        onKeyDown={first}
        data-testid="emoji-search"
      />
      <div class="emoji-groups" ref={body} onKeyDown={(e) => moveInGrid(e, body.current!)}>
        {groups.value.map((g) => (
          <Group key={g.label} group={g} take={take} />
        ))}
      </div>
    </Dialog>
  );
}

function Group({ group: g, take }: { group: EmojiGroup; take: (e: Emoji) => void }) {
  const rows = Array.from({ length: Math.ceil(g.emoji.length / columns) }, (_, i) => g.emoji.slice(i * columns, (i + 1) * columns));
  if (rows.length === 0) return <p class="soft">{words.noEmoji}</p>;
  return (
    <section>
      <h3>{g.label}</h3>
      <div role="grid" aria-label={g.label}>
        {rows.map((row, r) => (
          <div key={r} role="row" class="emoji-row">
            {row.map((e, c) => (
              <button
                key={e.char}
                type="button"
                role="gridcell"
                class="emoji"
                tabIndex={r === 0 && c === 0 ? 0 : -1}
                title={`:${e.name}:`}
                aria-label={e.name.replaceAll("_", " ")}
                onClick={() => take(e)}
              >
                {e.char}
              </button>
            ))}
          </div>
        ))}
      </div>
    </section>
  );
}

/** The arrows go from cell to cell, over the ends of rows and groups. */
function moveInGrid(e: KeyboardEvent, body: HTMLElement): void {
  const at = (e.target as Element).closest("button");
  if (!at) return;
  if (e.key === "Enter") {
    e.preventDefault(); // else the rest of the stroke is the composer's, to which the focus goes
    at.click();
    return;
  }
  const rtl = words.dir === "rtl" ? -1 : 1;
  const cells = [...body.querySelectorAll("button")];
  const rows = [...body.querySelectorAll("[role=row]")];
  const inRow = [...at.parentElement!.children].indexOf(at);
  const row = rows.indexOf(at.parentElement!);
  const cell = (i: number): Element | undefined => rows[i]?.children[Math.min(inRow, rows[i].children.length - 1)];
  const to = {
    ArrowRight: cells[cells.indexOf(at) + rtl],
    ArrowLeft: cells[cells.indexOf(at) - rtl],
    ArrowDown: cell(row + 1),
    ArrowUp: cell(row - 1),
    Home: cells[0],
    End: cells.at(-1),
  }[e.key];
  if (!(to instanceof HTMLElement)) return;
  e.preventDefault();
  to.focus();
}
