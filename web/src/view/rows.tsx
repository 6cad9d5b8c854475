// A long list of equal rows, of which few stand in the document. Around it is an element with data-scroller.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { RowKeeper } from "./rowkeeper.ts";

export interface RowsProps {
  keys: readonly string[];
  /** What stands in a row: one link or button, or something that takes no focus. */
  row: (key: string) => ComponentChildren;
  current?: string;
  /** Whether keys are all there are. */
  whole?: boolean;
  nearEnd?: () => void;
}

const nothing = (): void => undefined;

export function Rows({ keys, row, current = "", whole = true, nearEnd = nothing }: RowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const keeper = useMemo(() => new RowKeeper(), []);
  keeper.setRows(keys, current, nearEnd);
  void keeper.moves.value;
  useLayoutEffect(() => keeper.attach(list.current!), [keeper]);
  useLayoutEffect(() => keeper.drawn());
  return (
    <ul
      ref={list}
      class="rows"
      style={{ "--rows": keys.length }}
      onFocusIn={(e) => keeper.focusIn(e)}
      onFocusOut={() => keeper.focusOut()}
      onKeyDown={(e) => keeper.key(e)}
    >
      {keeper.drawnRows.map((at) => (
        <li key={keys[at]} data-key={keys[at]} style={{ "--at": at }} aria-setsize={whole ? keys.length : -1} aria-posinset={at + 1}>
          {row(keys[at]!)}
        </li>
      ))}
    </ul>
  );
}
