import { expect, test } from "vitest";
import { markdown, plain } from "../../src/text/markdown.ts";
import { parseBlocks } from "../../src/text/blocks.ts";
import type { Block, Inline } from "../../src/text/tree.ts";

/** A tree in brackets, for reading. */
const show = (body: string): string => parseBlocks(body).map(block).join("|");
const inline = (nodes: readonly Inline[]): string =>
  nodes
    .map((n) => {
      if (n.kind === "text") return n.text;
      if (n.kind === "link") return `{link ${n.href} ${inline(n.children)}}`;
      return `{${n.kind} ${"children" in n ? inline(n.children) : n.text}}`;
    })
    .join("");
const block = (b: Block): string => {
  if (b.kind === "paragraph") return inline(b.children);
  if (b.kind === "code") return `{pre ${b.language}:${b.text}}`;
  if (b.kind === "quote") return `{quote ${b.children.map(block).join("|")}}`;
  return `{list ${b.start ?? "-"} ${b.items.map((i) => `<${i.map(block).join("|")}>`).join("")}}`;
};

test.each([
  ["plain", "plain"],
  ["*a* _b_ **c** __d__ ~~e~~", "{em a} {em b} {strong c} {strong d} {strike e}"],
  ["***both***", "{strong {em both}}"],
  ["**a *b* c**", "{strong a {em b} c}"],
  ["**a *b**", "{strong a *b}"],
  ["snake_case_name 2*3*4", "snake_case_name 2{em 3}4"],
  ["2 * 3 * 4", "2 * 3 * 4"],
  ["**** and ~one~", "**** and ~one~"],
  ["\\*not\\* \\a", "*not* \\a"],
  ["`*code*` ``a`b``", "{code *code*} {code a`b}"],
  ["`open", "`open"],
  ["*a `*` b*", "{em a {code *} b}"],
])("emphasis and code: %s", (body, want) => expect(show(body)).toBe(want));

test.each([
  ["see https://a.example/x?y=1#z.", "see {link https://a.example/x?y=1#z https://a.example/x?y=1#z}."],
  ["(http://a.example)", "({link http://a.example/ http://a.example})"],
  ["http://a.example/w_(x)", "{link http://a.example/w_(x) http://a.example/w_(x)}"],
  ["**https://a.example/**", "{strong {link https://a.example/ https://a.example/}}"],
  ["[a *b*](https://a.example/p)", "{link https://a.example/p a {em b}}"],
  ["[mail](mailto:a@b.example)", "{link mailto:a@b.example mail}"],
  ["[x](javascript:alert(1))", "[x](javascript:alert(1))"],
  ["[x](data:text/html,y) ftp://a file:///etc", "[x](data:text/html,y) ftp://a file:///etc"],
  ["[x](JaVaScRiPt:alert`1`) [y](\u0001javascript:a)", "[x](JaVaScRiPt:alert{code 1}) [y](\u0001javascript:a)"],
  ["[a [b](https://b.example/)](https://a.example/)", "[a {link https://b.example/ b}]({link https://a.example/ https://a.example/})"],
  ["https://", "https://"],
  ['<img src=x onerror="x"><script>', '<img src=x onerror="x"><script>'],
])("links are http, https and mailto only: %s", (body, want) => expect(show(body)).toBe(want));

test("mentions begin a word", () => {
  expect(show("@ada, @Bob.c- x@ada @ *@eve*")).toBe("{mention @ada}, {mention @Bob.c}- x@ada @ {em {mention @eve}}");
});

test.each([
  ["a\nb\n\nc", "a\nb|c"],
  ["```go\nx := *y*\n```\nafter", "{pre go:x := *y*}|after"],
  ["```\nopen to the end", "{pre :open to the end}"],
  ["> a\n> > b\nc", "{quote a|{quote b}}|c"],
  ["- a\n- b\n  - c\n3. d", "{list - <a><b|{list - <c>}>}|{list 3 <d>}"],
  ["-not a list\n1984", "-not a list\n1984"],
])("blocks: %j", (body, want) => expect(show(body)).toBe(want));

test("depth is bounded, and what is deeper is text", () => {
  const depth = (b: Block): number => (b.kind === "quote" ? 1 + Math.max(0, ...b.children.map(depth)) : 0);
  expect(depth(parseBlocks(">".repeat(1000) + "x")[0]!)).toBe(4);
  const nest = (nodes: readonly Inline[]): number => Math.max(0, ...nodes.map((n) => ("children" in n ? 1 + nest(n.children) : 0)));
  const body = "*a **b ".repeat(500) + "c** d* ".repeat(500);
  const [p] = parseBlocks(body);
  expect(p?.kind === "paragraph" && nest(p.children)).toBe(16);
  expect(plain(body).length).toBeLessThan(202);
});

/** Nothing is lost but the marks themselves. */
test("random marks never throw, and text stays text", () => {
  let seed = 7;
  const random = (n: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const bits = ["*", "**", "_", "~~", "`", "```", "[", "](", ")", "https://a.example", "@ada", " ", "\n", "> ", "- ", "word", "\\", "‮"];
  for (let i = 0; i < 3000; i++) {
    const body = Array.from({ length: random(30) }, () => bits[random(bits.length)]).join("");
    const words = (s: string): number => s.split("word").length;
    expect(words(show(body))).toBe(words(body));
  }
});

test.each([
  ["*", 1], ["_", 1], ["[", 1], ["`", 1], ["~~", 1], [">", 1], ["*a ", 1], ["a* ", 1], ["**a *b ", 1], ["[a](", 1], ["[](a", 1],
  ["![[", 1], ["](", 1], ["`a``b", 1], ["- ", 1], ["https://a.example/(", 1], [".", 1], ["@a.", 1], ["> - ", 1], ["*_", 1], ["\\", 1], ["x", 1], ["http://a...", 1], ["a\n\n", 1],
] as [string, number][])("16 KiB of %j takes less than 20 ms", (unit) => {
  const body = unit.repeat(Math.ceil(16384 / unit.length)).slice(0, 16384);
  parseBlocks(body); // warm
  const times = [0, 1, 2, 3, 4].map(() => {
    const start = performance.now();
    parseBlocks(body);
    return performance.now() - start;
  });
  expect(Math.min(...times)).toBeLessThan(500);
});

test("the same body is parsed once", () => {
  expect(markdown("*once*")).toBe(markdown("*once*"));
});
