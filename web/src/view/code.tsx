// A block of code, with colours once the chunk that knows its language is here.

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Token } from "../parts/highlight.ts";

type Highlight = (language: string, text: string) => readonly Token[] | null;

const highlight = signal<Highlight | null>(null);
const longest = 20_000; // letters; more would keep the page busy
let asked = false;

/** Asks for the chunk once. Offline it may be asked again. */
function want(): void {
  if (asked) return;
  asked = true;
  import("../parts/highlight.ts").then(
    (part) => (highlight.value = part.highlight),
    () => (asked = false),
  );
}

export function Code({ language, text }: { language: string; text: string }) {
  const known = language !== "" && text.length <= longest;
  useEffect(() => {
    if (known) want();
  }, [known]);
  const tokens = known ? highlight.value?.(language.toLowerCase(), text) : null;
  return (
    <pre tabIndex={0} dir="ltr" data-language={language || undefined}>
      <code>{tokens ? tokens.map(token) : text}</code>
    </pre>
  );
}

function token(t: Token): ComponentChildren {
  return typeof t === "string" ? t : <span class={t.kind}>{t.children.map(token)}</span>;
}
