import type { Message } from "../wire/types.ts";

/** What one can do from a row. */
export interface RowActions {
  react(m: Message, emoji: string): void;
  reply(m: Message): void;
  edit(m: Message): void;
  remove(m: Message): void;
  goTo(id: string): void;
  retry(nonce: string): void;
  discard(nonce: string): void;
}
