/** How often rows were drawn, in test builds only. */
export const drawn = { rows: 0, lists: 0 };

export function count(what: keyof typeof drawn): void {
  if (import.meta.env.MODE === "test") drawn[what]++;
}
