// The little markdown of messages: see tree.ts for what there is.

import { parseBlocks } from "./blocks.ts";
import { memo } from "./memo.ts";
import type { Block, Inline } from "./tree.ts";

export const markdown: (body: string) => readonly Block[] = memo(parseBlocks, 500);

/** A body as one line of text, for quotes and notices. */
export const plain: (body: string) => string = memo((body) => cut(flat(markdown(body)).replace(/\s+/g, " ").trim()), 500);

const plainLength = 200;

function cut(s: string): string {
  const chars = [...s.slice(0, plainLength * 2)];
  return chars.length > plainLength ? `${chars.slice(0, plainLength).join("")}…` : chars.join("");
}

function flat(blocks: readonly Block[]): string {
  return blocks.map(flatBlock).join("\n");
}

function flatBlock(b: Block): string {
  switch (b.kind) {
    case "paragraph":
      return flatInline(b.children);
    case "code":
      return b.text;
    case "quote":
      return flat(b.children);
    case "list":
      return b.items.map(flat).join("\n");
  }
}

function flatInline(nodes: readonly Inline[]): string {
  return nodes.map((n) => ("children" in n ? flatInline(n.children) : n.text)).join("");
}
