// A body's tree as elements. Text becomes text nodes; there is no way here to pass markup.

import type { ComponentChildren } from "preact";
import { markdown } from "../text/markdown.ts";
import type { Block, Inline } from "../text/tree.ts";
import { Code } from "./code.tsx";
import { Folded, isLong } from "./folded.tsx";

/** isName tells which @names are those of people. */
type IsName = (name: string) => boolean;

export function Body({ text, isName }: { text: string; isName: IsName }) {
  const blocks = markdown(text).map((b) => block(b, isName));
  if (isLong(text)) return <Folded>{blocks}</Folded>;
  return (
    <div class="body" data-testid="body">
      {blocks}
    </div>
  );
}

function block(b: Block, isName: IsName): ComponentChildren {
  switch (b.kind) {
    case "paragraph":
      return <p dir="auto">{inlines(b.children, isName)}</p>;
    case "code":
      return <Code language={b.language} text={b.text} />;
    case "quote":
      return <blockquote dir="auto">{b.children.map((c) => block(c, isName))}</blockquote>;
    case "list": {
      const items = b.items.map((item) => <li>{item.map((c) => block(c, isName))}</li>);
      return b.start === null ? <ul>{items}</ul> : <ol start={b.start}>{items}</ol>;
    }
  }
}

function inlines(nodes: readonly Inline[], isName: IsName): ComponentChildren {
  return nodes.map((n) => inline(n, isName));
}

function inline(n: Inline, isName: IsName): ComponentChildren {
  switch (n.kind) {
    case "text":
      return n.text;
    case "code":
      return <code dir="ltr">{n.text}</code>;
    case "mention":
      return isName(n.name) ? <bdi class="mention">{n.text}</bdi> : n.text;
    case "link":
      return (
        <a href={n.href} title={n.href} target="_blank" rel="noopener noreferrer nofollow">
          {inlines(n.children, isName)}
        </a>
      );
    case "strong":
      return <strong>{inlines(n.children, isName)}</strong>;
    case "em":
      return <em>{inlines(n.children, isName)}</em>;
    case "strike":
      return <s>{inlines(n.children, isName)}</s>;
  }
}
