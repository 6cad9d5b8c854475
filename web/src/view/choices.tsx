import { useLayoutEffect, useRef } from "preact/hooks";
import { words } from "../words/words.ts";
import { Avatar } from "./avatar.tsx";
import type { Completer } from "./completer.ts";

export const optionId = (list: string, index: number): string => `${list}-${index}`;

/** What a name may be completed to. The focus stays where one writes. */
export function Choices({ id, completer, take }: { id: string; completer: Completer; take: (index: number) => void }) {
  const list = useRef<HTMLUListElement>(null);
  const choices = completer.choices.value;
  const chosen = completer.chosen.value;
  useLayoutEffect(() => list.current?.children[chosen]?.scrollIntoView({ block: "nearest" }), [chosen, choices]);
  if (choices.length === 0) return null;
  return (
    <ul ref={list} id={id} class="choices-list" role="listbox" aria-label={words.suggestions} data-testid="completion">
      {choices.map((c, i) => (
        <li
          key={c.key}
          id={optionId(id, i)}
          role="option"
          aria-selected={i === chosen}
          onMouseDown={(e) => {
            e.preventDefault(); // the caret stays where it is
            take(i);
          }}
        >
          {c.sign ? <span class="sign">{c.sign}</span> : <Avatar id={c.user || c.key} name={c.label} />}
          <bdi>{c.label}</bdi>
          {c.note && <bdi class="handle">{c.note}</bdi>}
        </li>
      ))}
    </ul>
  );
}
