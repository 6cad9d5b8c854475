import { signal, type Signal } from "@preact/signals";
import type { Message } from "../wire/types.ts";

export type Sending = "sent" | "pending" | "failed";

/** What a row shows. Never changed, only replaced. */
export interface Shown {
  readonly message: Message; // of an unsent one the id is ""
  readonly state: Sending;
  readonly error?: string;
}

/** A message in a list: one signal, so that its row is drawn anew only when it changes. */
export interface Entry {
  readonly key: string; // of an own post its nonce, from before the echo until ever after
  readonly order: string;
  readonly shown: Signal<Shown>;
}

export function newEntry(key: string, order: string, shown: Shown): Entry {
  return { key, order, shown: signal(shown) };
}
