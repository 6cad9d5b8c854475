// Finds what people are shown and that is not from words: text between tags, and the attributes that are read or heard.

import { parseSync } from "vite";

type Node = { type: string; [key: string]: unknown };

const shownAttributes = new Set(["alt", "aria-description", "aria-label", "aria-placeholder", "aria-roledescription", "aria-valuetext", "label", "placeholder", "title"]);
const letters = /\p{L}/u;

export function inlineTexts(file: string, text: string): string[] {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]!.message}`);
  const found: string[] = [];
  walk(program as unknown as Node, (n) => found.push(...shownBy(n)));
  return found;
}

function shownBy(n: Node): string[] {
  if (n.type === "JSXText") return withLetters(String(n["value"]));
  if (n.type === "JSXAttribute") {
    const name = (n["name"] as Node)["name"] as string;
    return shownAttributes.has(name) && n["value"] ? literals(n["value"] as Node) : [];
  }
  if (n.type !== "JSXElement" && n.type !== "JSXFragment") return [];
  const holes = (n["children"] as Node[]).filter((c) => c.type === "JSXExpressionContainer");
  return holes.flatMap((h) => literals(h["expression"] as Node));
}

/** The texts that an expression may come to be, as far as they stand in it. */
function literals(n: Node): string[] {
  switch (n.type) {
    case "Literal":
      return typeof n["value"] === "string" ? withLetters(n["value"]) : [];
    case "TemplateLiteral":
      return (n["quasis"] as { value: { cooked: string } }[]).flatMap((q) => withLetters(q.value.cooked));
    case "ConditionalExpression":
      return [n["consequent"], n["alternate"]].flatMap((e) => literals(e as Node));
    case "LogicalExpression":
    case "BinaryExpression":
      return n["operator"] === "===" || n["operator"] === "!==" ? [] : [n["left"], n["right"]].flatMap((e) => literals(e as Node));
    case "JSXExpressionContainer":
      return literals(n["expression"] as Node);
    default:
      return [];
  }
}

function withLetters(s: string): string[] {
  return letters.test(s) ? [s.trim()] : [];
}

function walk(n: Node, see: (n: Node) => void): void {
  see(n);
  for (const value of Object.values(n)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, see);
  }
}

function isNode(v: unknown): v is Node {
  return typeof v === "object" && v !== null && typeof (v as Node).type === "string";
}
