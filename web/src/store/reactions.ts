import type { Message, Reaction } from "../wire/types.ts";

/** A message after one user's reaction; me is null when that was somebody else. */
export function react(m: Message, emoji: string, count: number, me: boolean | null): Message {
  const had = m.reactions ?? [];
  const reactions = had.some((r) => r.emoji === emoji)
    ? had.map((r) => (r.emoji === emoji ? { emoji, count, me: me ?? r.me } : r))
    : [...had, { emoji, count, me: me ?? false }];
  return { ...m, reactions: reactions.filter((r) => r.count > 0) };
}

/** Live messages are the same for all readers: which reactions are ours is known from before. */
export function keepOwn(m: Message, old: Message): Message {
  if (!m.reactions) return m;
  const mine = new Set(old.reactions?.filter((r) => r.me).map((r) => r.emoji));
  const reactions: Reaction[] = m.reactions.map((r) => ({ ...r, me: mine.has(r.emoji) }));
  return { ...m, reactions };
}
