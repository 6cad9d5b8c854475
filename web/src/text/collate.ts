const collator = new Intl.Collator();

/** The order of names. */
export const byName = (a: string, b: string): number => collator.compare(a, b);
