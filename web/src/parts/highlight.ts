// Colours for code: a chunk of its own. lowlight is highlight.js with a tree as its result, where highlight.js itself
// and Prism's own highlighting make markup of text.

import bash from "highlight.js/lib/languages/bash";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import java from "highlight.js/lib/languages/java";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";
import { memo } from "../text/memo.ts";

export type Token = string | { readonly kind: string; readonly children: readonly Token[] };

const lowlight = createLowlight({ bash, cpp, css, diff, go, java, json, python, rust, sql, typescript, xml, yaml });
lowlight.registerAlias({ typescript: ["javascript", "js", "jsx", "ts", "tsx"], cpp: ["c", "h"] });

type Root = ReturnType<typeof lowlight.highlight>;
type Node = Root["children"][number];

/** A code's tokens, with the classes of highlight.js; null for a language that is not known here. */
export function highlight(language: string, text: string): readonly Token[] | null {
  return lowlight.registered(language) ? tokens(`${language}\n${text}`) : null;
}

const tokens = memo((key): readonly Token[] => {
  const line = key.indexOf("\n");
  return lowlight.highlight(key.slice(0, line), key.slice(line + 1)).children.flatMap(token);
}, 100);

function token(n: Node): Token[] {
  if (n.type === "text") return [n.value];
  if (n.type !== "element") return [];
  const classes = n.properties["className"];
  return [{ kind: Array.isArray(classes) ? classes.join(" ") : "", children: (n.children as Node[]).flatMap(token) }];
}
