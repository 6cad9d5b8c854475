import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { words } from "../words/words.ts";

const mostLines = 40;
const lineLength = 80;

/** Whether a body takes more lines than a list should show of one message. */
export function isLong(text: string): boolean {
  if (text.length <= mostLines) return false;
  let lines = 0;
  for (const line of text.split("\n")) lines += Math.max(1, Math.ceil(line.length / lineLength));
  return lines > mostLines;
}

/** A long body, of which the beginning shows until more is asked for. */
export function Folded({ children }: { children: ComponentChildren }) {
  const open = useSignal(false);
  const id = useId();
  return (
    <div class="fold">
      {/* What the keyboard reaches has to be seen. */}
      <div class={open.value ? "body" : "body folded"} id={id} data-testid="body" onFocusIn={() => (open.value = true)}>
        {children}
      </div>
      <button type="button" class="unfold" aria-expanded={open.value} aria-controls={id} onClick={() => (open.value = !open.value)}>
        {open.value ? words.showLess : words.showAll}
      </button>
    </div>
  );
}
