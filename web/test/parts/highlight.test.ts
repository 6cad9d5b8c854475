import { expect, test } from "vitest";
import { highlight, type Token } from "../../src/parts/highlight.ts";

const text = (tokens: readonly Token[]): string => tokens.map((t) => (typeof t === "string" ? t : text(t.children))).join("");
const kinds = (tokens: readonly Token[]): string[] => tokens.flatMap((t) => (typeof t === "string" ? [] : [t.kind, ...kinds(t.children)]));

test("code keeps its text, and gains classes of highlight.js only", () => {
  const code = 'func main() {\n\tx := "<img src=x onerror=alert(1)>" // why\n}';
  const found = highlight("go", code)!;
  expect(text(found)).toBe(code);
  expect(kinds(found)).toContain("hljs-keyword");
  for (const k of kinds(found)) expect(k).toMatch(/^(hljs-[\w-]+|\w+_)( \w+_)*$/);
});

test.each(["js", "tsx", "py", "rs", "sh", "html", "yml", "c", "json", "sql", "diff", "java", "css"])("%s is known", (language) => {
  expect(text(highlight(language, "a = 1 < 2\n")!)).toBe("a = 1 < 2\n");
});

test("of an unknown language there are no tokens", () => {
  expect(highlight("klingon", "x")).toBeNull();
  expect(highlight("constructor", "x")).toBeNull();
});
