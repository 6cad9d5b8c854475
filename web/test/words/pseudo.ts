// A language that nobody speaks, made from English: read from right to left, and a half longer. Each text is marked at
// both its ends, so that one sees what is cut, and what is not from words. Never a part of the page that is shipped.

import { en as english } from "../../src/words/en.ts";
import type { Words } from "../../src/words/words.ts";

export const opening = "⟦";
export const closing = "⟧";
const override = "\u202e"; // its letters run from right to left too
const pop = "\u202c";

/** A text as that language has it. */
export function pseudo(s: string): string {
  if (s === "") return "";
  const more = "~~~~~~~ ".repeat(Math.ceil(s.length / 16)).slice(0, Math.ceil(s.length / 2));
  return opening + override + s + " " + more.trimEnd() + pop + closing;
}

function translated(v: unknown): unknown {
  if (typeof v === "string") return pseudo(v);
  if (typeof v === "function") return (...given: unknown[]) => pseudo((v as (...given: unknown[]) => string)(...given));
  if (typeof v !== "object" || v === null) return v;
  return Object.fromEntries(Object.entries(v).map(([key, value]) => [key, translated(value)]));
}

/** Exported as catalogues are, so that it may stand in for one. */
export const en: Words = { ...(translated(english) as Words), name: english.name, lang: "en-XB", dir: "rtl" };
