import { OfflineError } from "../wire/errors.ts";
import { words } from "../words/words.ts";

/** What an error says to people. */
export function reasonOf(e: unknown): string {
  if (e instanceof OfflineError) return words.unreachable;
  return e instanceof Error ? e.message : String(e);
}

/** The server's words for people start small and end without a stop. */
export function sentence(s: string): string {
  const t = s.charAt(0).toUpperCase() + s.slice(1);
  return /[.!?…]$/.test(t) ? t : `${t}.`;
}
