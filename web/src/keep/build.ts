// What the page and its service worker call a build by.

/** The hashes of the files that a page names: all others are named by these. */
export function buildOf(files: string[]): string {
  return files.map((f) => /-([0-9a-f]{12})\.\w+$/.exec(f)?.[1]).filter(Boolean).sort().join("-");
}

/** Held by each page of a build while it lives. */
export const lockOf = (build: string): string => `klatch build ${build}`;
export const cachePrefix = "klatch-shell-";

/** What a page asks the worker for. */
export interface Asked {
  kind: "take over" | "tidy";
}
