// What is being completed where somebody writes: a person's @name, or the :name: of an emoji.

export interface Wanted {
  readonly kind: "person" | "emoji";
  readonly from: number; // where the @ or : stands
  readonly typed: string; // what came after it
}

const person = /(?:^|[^\w.~@-])@([\w.-]{0,64})$/;
const emoji = /(?:^|[^\w:]):([\w+-]{2,32})$/;

/** What is asked for before the caret, if anything. */
export function wantedAt(text: string, caret: number): Wanted | null {
  const before = text.slice(Math.max(0, caret - 80), caret);
  for (const [kind, pattern] of [["person", person], ["emoji", emoji]] as const) {
    const typed = pattern.exec(before)?.[1];
    if (typed !== undefined) return { kind, from: caret - typed.length - 1, typed: typed.toLowerCase() };
  }
  return null;
}

/** The :name: that ends at the caret. */
export function namedAt(text: string, caret: number): { name: string; from: number } | null {
  const found = /(?:^|[^\w:]):([\w+-]{2,32}):$/.exec(text.slice(Math.max(0, caret - 40), caret));
  return found ? { name: found[1]!.toLowerCase(), from: caret - found[1]!.length - 2 } : null;
}

/** A text with a part of it replaced, and where the caret is then. */
export function replaced(text: string, from: number, to: number, by: string): { text: string; caret: number } {
  return { text: text.slice(0, from) + by + text.slice(to), caret: from + by.length };
}

interface Named {
  readonly username: string;
  readonly display_name: string;
}

/** Those whose username, or a word of whose name, begins with what is typed; the closest first. */
export function matching<T extends Named>(people: readonly T[], typed: string, most: number): T[] {
  const rank = (p: T): number => {
    if (p.username.toLowerCase().startsWith(typed)) return 0;
    const words = p.display_name.toLowerCase().split(/\s+/);
    if (words.some((w) => w.startsWith(typed))) return 1;
    return p.username.toLowerCase().includes(typed) ? 2 : 3;
  };
  return people
    .map((p) => ({ p, rank: rank(p) }))
    .filter((x) => x.rank < 3)
    .sort((a, b) => a.rank - b.rank || a.p.username.localeCompare(b.p.username))
    .slice(0, most)
    .map((x) => x.p);
}
