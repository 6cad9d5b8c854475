import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const src = join(import.meta.dirname, "../../src");

/** The source files with an ending, by their path in src. */
export function sources(ending: string): [path: string, text: string][] {
  const paths = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((p) => p.endsWith(ending));
  return paths.sort().map((p) => [p, readFileSync(join(src, p), "utf8")]);
}
