// Paragraphs, code, quotes and lists, line by line.

import { parseInline } from "./inline.ts";
import type { Block } from "./tree.ts";

const deepest = 4; // quotes and lists within each other; deeper ones are text
const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]{0,30})\s*$/;
const quote = /^ {0,3}> ?/;
const bullet = /^( {0,3})([-*+]|\d{1,9}[.)]) +(?=\S)/;

export function parseBlocks(text: string): readonly Block[] {
  return blocks(text.split("\n"), 0);
}

function blocks(lines: string[], depth: number): readonly Block[] {
  const out: Block[] = [];
  let paragraph: string[] = [];
  const flush = (): void => {
    if (paragraph.length > 0) out.push({ kind: "paragraph", children: parseInline(paragraph.join("\n")) });
    paragraph = [];
  };
  for (let i = 0; i < lines.length; ) {
    const taken = fenced(lines, i) ?? (depth < deepest ? (quoted(lines, i, depth) ?? listed(lines, i, depth)) : null);
    if (taken) {
      flush();
      out.push(taken.block);
      i = taken.end;
      continue;
    }
    const line = lines[i++]!;
    if (line.trim() === "") flush();
    else paragraph.push(line);
  }
  flush();
  return out;
}

interface Taken {
  block: Block;
  end: number;
}

/** Code goes on to a fence like the first, or to the end. */
function fenced(lines: string[], at: number): Taken | null {
  const open = fence.exec(lines[at]!);
  if (!open) return null;
  let end = at + 1;
  while (end < lines.length && !isFence(lines[end]!, open[1]!)) end++;
  const text = lines.slice(at + 1, end).join("\n");
  return { block: { kind: "code", language: open[2]!.toLowerCase(), text }, end: Math.min(end + 1, lines.length) };
}

function isFence(line: string, like: string): boolean {
  const t = line.trim();
  return t.length >= like.length && t === like[0]!.repeat(t.length);
}

function quoted(lines: string[], at: number, depth: number): Taken | null {
  let end = at;
  while (end < lines.length && quote.test(lines[end]!)) end++;
  if (end === at) return null;
  const inner = lines.slice(at, end).map((l) => l.replace(quote, ""));
  return { block: { kind: "quote", children: blocks(inner, depth + 1) }, end };
}

/** A list goes on with items of its kind; an item with lines that are indented as its text is. */
function listed(lines: string[], at: number, depth: number): Taken | null {
  const first = bullet.exec(lines[at]!);
  if (!first) return null;
  const ordered = /\d/.test(first[2]!);
  const items: (readonly Block[])[] = [];
  let end = at;
  while (end < lines.length) {
    const mark = bullet.exec(lines[end]!);
    if (!mark || /\d/.test(mark[2]!) !== ordered) break;
    const item = [lines[end]!.slice(mark[0].length)];
    const indent = mark[1]!.length + 2;
    for (end++; end < lines.length && lines[end]!.startsWith(" ".repeat(indent)); end++) item.push(unindent(lines[end]!, mark[0].length));
    items.push(blocks(item, depth + 1));
  }
  return { block: { kind: "list", start: ordered ? parseInt(first[2]!, 10) : null, items }, end };
}

function unindent(line: string, most: number): string {
  let n = 0;
  while (n < most && line[n] === " ") n++;
  return line.slice(n);
}
