// The words of the page, in a language of who reads it.
//
// Another language is another file like en.ts, and a line here. It may miss nothing: its type is Words. Before there
// are many, each should be a script of its own that start-up waits for; a catalogue weighs about 3 KB.

import { en } from "./en.ts";

export type Words = typeof en;

type Catalogues = Readonly<Record<string, Words>>;

const catalogues: Catalogues = { en };

/** The words in the first of some languages that there is a catalogue of, by lookup (RFC 4647, section 3.4). */
export function wordsIn(languages: readonly string[], from: Catalogues = catalogues): Words {
  for (const language of languages) {
    for (const range of shorter(language.toLowerCase())) {
      if (Object.hasOwn(from, range)) return from[range]!;
    }
  }
  return en;
}

/** A language tag, and what is left of it without its last parts. */
function shorter(tag: string): string[] {
  const parts = tag.split("-");
  return parts.map((_, cut) => parts.slice(0, parts.length - cut).join("-"));
}

export const words: Words = en;
