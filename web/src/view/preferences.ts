// How one likes the page to be, kept in this browser.

import { effect, signal, type Signal } from "@preact/signals";
import { remember, remembered } from "./remember.ts";

export const themes = ["system", "light", "dark"] as const;
export const densities = ["roomy", "dense"] as const;
const switches = ["off", "on"] as const;

export type Theme = (typeof themes)[number];
export type Density = (typeof densities)[number];
type Switch = (typeof switches)[number];

export const theme = kept<Theme>("theme", themes);
export const density = kept<Density>("density", densities);
export const notifying = kept<Switch>("notify", switches);
export const notifyingText = kept<Switch>("notify-text", switches);

/** A signal that is as it was left; the first value is what it is at first. */
function kept<T extends string>(key: string, values: readonly T[]): Signal<T> {
  const had = remembered(key);
  const s = signal(values.find((v) => v === had) ?? values[0]!);
  let first = true;
  effect(() => {
    const now = s.value;
    if (!first) remember(key, now);
    first = false;
  });
  return s;
}

/** Makes the document as it is liked, from now on. Other tabs follow. */
export function followPreferences(): void {
  const root = document.documentElement;
  effect(() => {
    if (theme.value === "system") delete root.dataset["theme"];
    else root.dataset["theme"] = theme.value;
  });
  effect(() => void (root.dataset["density"] = density.value));
  window.addEventListener("storage", (e) => {
    if (e.key === "klatch.theme") theme.value = themes.find((t) => t === e.newValue) ?? "system";
    if (e.key === "klatch.density") density.value = densities.find((d) => d === e.newValue) ?? "roomy";
  });
}
