// The emoji there are to choose from, found by parts of their names.

import { emojiNames } from "../words/emoji.ts";

export interface Emoji {
  readonly char: string;
  readonly name: string;
}

export interface EmojiGroup {
  readonly label: string;
  readonly emoji: readonly Emoji[];
}

export const emojiGroups: readonly EmojiGroup[] = emojiNames.groups.map(({ label, list }) => {
  const parts = list.split(/\s+/);
  return { label, emoji: Array.from({ length: parts.length / 2 }, (_, i) => ({ char: parts[2 * i]!, name: parts[2 * i + 1]! })) };
});

export const allEmoji: readonly Emoji[] = emojiGroups.flatMap((g) => g.emoji);

export function emojiNamed(name: string): Emoji | undefined {
  return allEmoji.find((e) => e.name === name);
}

export function emojiOf(char: string): Emoji | undefined {
  return allEmoji.find((e) => e.char === char);
}

/** Those whose name holds what is typed: first where the name begins with it, then where a word of it does. */
export function findEmoji(typed: string, most: number): Emoji[] {
  const wanted = typed.trim().toLowerCase().replaceAll(/[\s-]+/g, "_");
  const rank = (e: Emoji): number => (e.name.startsWith(wanted) ? 0 : e.name.includes(`_${wanted}`) ? 1 : 2);
  return allEmoji
    .filter((e) => e.name.includes(wanted))
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, most);
}
