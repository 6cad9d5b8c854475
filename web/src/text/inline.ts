// Emphasis, code, links and mentions within a paragraph, after CommonMark where chats agree with it.
//
// One pass makes tokens and pairs them: an opener waits on a stack, and its closer takes it and all above it off, so
// each is looked at twice at most. A second pass makes the tree. The time is linear whatever the text is.

import { bareLink, destination } from "./link.ts";
import type { Inline } from "./tree.ts";

type Mark = "strong" | "em" | "strike";

type Token =
  | { kind: "leaf"; node: Inline }
  | { kind: "open"; mark: Mark | "link"; text: string; href?: string; paired: boolean }
  | { kind: "close"; mark: Mark | "link"; text: string; href?: string };

type Opener = Token & { kind: "open" };

interface Waiting {
  token: Opener;
  char: string;
}

const deepest = 16; // marks within marks; deeper ones are text
const special = /[\\*_~`[\]@]|https?:\/\/|mailto:/gi;
const punctuation = /[\p{P}\p{S}]/u;
const space = /\s/;
const mention = /@[\w.~-]{1,80}/y;

export function parseInline(text: string): readonly Inline[] {
  return tree(new Scanner(text).scan());
}

class Scanner {
  private readonly tokens: Token[] = [];
  private readonly waiting: Waiting[] = [];
  private readonly counts = new Map<string, number>(); // of the waiting, by char and mark
  private brackets: number[] = []; // heights of the stack at which a [ waits
  private readonly ticks: Map<number, number[]>; // where runs of so many backticks begin, the last first
  private at = 0;

  constructor(private readonly text: string) {
    this.ticks = runs(text);
  }

  scan(): Token[] {
    let plain = 0;
    while (this.at < this.text.length) {
      special.lastIndex = this.at;
      const found = special.exec(this.text);
      if (!found) break;
      const from = (this.at = found.index);
      const before = this.tokens.length;
      const end = this.special(found[0]);
      if (end === from) {
        this.at = from + found[0].length; // it meant nothing
        continue;
      }
      const made = this.tokens.splice(before);
      this.leaf(this.text.slice(plain, from));
      this.tokens.push(...made);
      plain = this.at = end;
    }
    this.leaf(this.text.slice(plain));
    return this.tokens;
  }

  private leaf(text: string): void {
    if (text) this.tokens.push({ kind: "leaf", node: { kind: "text", text } });
  }

  /** Takes what begins here; returns where it ends, or where we are when it is nothing. */
  private special(found: string): number {
    switch (found) {
      case "\\":
        return this.escape();
      case "`":
        return this.code();
      case "[":
        return this.bracket();
      case "]":
        return this.link();
      case "@":
        return this.mention();
      case "*":
      case "_":
      case "~":
        return this.delimiters(found);
      default:
        return this.address();
    }
  }

  private escape(): number {
    const next = this.text[this.at + 1];
    if (next === undefined || !/[!-/:-@[-`{-~]/.test(next)) return this.at;
    this.leaf(next);
    return this.at + 2;
  }

  private code(): number {
    const length = runLength(this.text, this.at);
    const starts = this.ticks.get(length) ?? [];
    while (starts.length > 0 && starts.at(-1)! <= this.at) starts.pop();
    const close = starts.at(-1);
    if (close === undefined) {
      this.leaf(this.text.slice(this.at, this.at + length));
      return this.at + length;
    }
    let text = this.text.slice(this.at + length, close).replaceAll("\n", " ");
    if (text.startsWith(" ") && text.endsWith(" ") && text.trim()) text = text.slice(1, -1);
    this.tokens.push({ kind: "leaf", node: { kind: "code", text } });
    return close + length;
  }

  private mention(): number {
    if (/[\w.~-]/.test(this.text[this.at - 1] ?? "")) return this.at;
    mention.lastIndex = this.at;
    let text = mention.exec(this.text)?.[0] ?? "";
    while (/[._~-]$/.test(text)) text = text.slice(0, -1);
    if (text.length < 2) return this.at;
    this.tokens.push({ kind: "leaf", node: { kind: "mention", text, name: text.slice(1).toLowerCase() } });
    return this.at + text.length;
  }

  private address(): number {
    if (/\w/.test(this.text[this.at - 1] ?? "")) return this.at;
    const found = bareLink(this.text, this.at);
    if (!found) return this.at;
    const text: Inline = { kind: "text", text: found.text };
    const node: Inline = found.href === null ? text : { kind: "link", href: found.href, children: [text] };
    this.tokens.push({ kind: "leaf", node });
    return this.at + Math.max(1, found.text.length);
  }

  private bracket(): number {
    this.brackets.push(this.waiting.length);
    this.open("[", "link", "[");
    return this.at + 1;
  }

  private link(): number {
    const height = this.brackets.pop();
    const to = height === undefined || this.text[this.at + 1] !== "(" ? null : destination(this.text, this.at + 1);
    if (height === undefined || !to) return this.at;
    const { token } = this.waiting[height]!;
    this.lower(height);
    this.brackets = []; // no links in links
    token.paired = true;
    token.href = to.href;
    this.tokens.push({ kind: "close", mark: "link", text: this.text.slice(this.at, to.end), href: to.href });
    return to.end;
  }

  private delimiters(char: string): number {
    const length = runLength(this.text, this.at);
    const end = this.at + length;
    const marks = marksOf(char, length);
    if (marks.length === 0) {
      this.leaf(this.text.slice(this.at, end));
      return end;
    }
    const { opens, closes } = flanks(char, this.text[this.at - 1] ?? " ", this.text[end] ?? " ");
    const left = closes ? this.close(char, marks) : marks;
    for (const mark of left) {
      const text = char.repeat(mark === "em" ? 1 : 2);
      if (opens) this.open(char, mark, text);
      else this.leaf(text);
    }
    return end;
  }

  /** Closes what waits for these marks, the innermost first; returns the marks that nothing waits for. */
  private close(char: string, marks: Mark[]): Mark[] {
    const left = new Set(marks);
    while ([...left].some((m) => this.counts.get(char + m))) {
      let height = this.waiting.length - 1;
      while (this.waiting[height]!.char !== char || !left.has(this.waiting[height]!.token.mark as Mark)) height--;
      const { token } = this.waiting[height]!;
      this.lower(height);
      token.paired = true;
      left.delete(token.mark as Mark);
      this.tokens.push({ kind: "close", mark: token.mark, text: token.text });
    }
    return [...left];
  }

  private open(char: string, mark: Mark | "link", text: string): void {
    const token: Opener = { kind: "open", mark, text, paired: false };
    this.tokens.push(token);
    this.waiting.push({ token, char });
    this.counts.set(char + mark, (this.counts.get(char + mark) ?? 0) + 1);
  }

  /** Takes what waits from a height on off the stack. */
  private lower(height: number): void {
    while (this.waiting.length > height) {
      const { token, char } = this.waiting.pop()!;
      this.counts.set(char + token.mark, this.counts.get(char + token.mark)! - 1);
    }
    while (this.brackets.length > 0 && this.brackets.at(-1)! >= height) this.brackets.pop();
  }
}

/** One mark is for emphasis, two for strength, three for both; two tildes strike. More mean nothing. */
function marksOf(char: string, length: number): Mark[] {
  if (char === "~") return length === 2 ? ["strike"] : [];
  if (length > 3) return [];
  return length === 1 ? ["em"] : length === 2 ? ["strong"] : ["strong", "em"];
}

function flanks(char: string, before: string, after: string): { opens: boolean; closes: boolean } {
  const [spaceBefore, spaceAfter] = [space.test(before), space.test(after)];
  const [markBefore, markAfter] = [punctuation.test(before), punctuation.test(after)];
  const left = !spaceAfter && (!markAfter || spaceBefore || markBefore);
  const right = !spaceBefore && (!markBefore || spaceAfter || markAfter);
  if (char !== "_") return { opens: left, closes: right };
  return { opens: left && (!right || markBefore), closes: right && (!left || markAfter) };
}

function runLength(text: string, at: number): number {
  let end = at + 1;
  while (text[end] === text[at]) end++;
  return end - at;
}

function runs(text: string): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const m of text.matchAll(/`+/g)) {
    const starts = found.get(m[0].length) ?? [];
    starts.push(m.index);
    found.set(m[0].length, starts);
  }
  for (const starts of found.values()) starts.reverse();
  return found;
}

interface Frame {
  open: Opener | null;
  children: Inline[];
}

function tree(tokens: Token[]): readonly Inline[] {
  const frames: Frame[] = [{ open: null, children: [] }];
  let tooDeep = 0;
  for (const t of tokens) {
    const top = frames.at(-1)!;
    if (t.kind === "leaf") {
      add(top.children, t.node);
    } else if (t.kind === "open" && t.paired && tooDeep === 0 && frames.length <= deepest) {
      frames.push({ open: t, children: [] });
    } else if (t.kind === "open") {
      if (t.paired) tooDeep++;
      add(top.children, { kind: "text", text: t.text });
    } else if (tooDeep > 0) {
      tooDeep--;
      add(top.children, { kind: "text", text: t.text });
    } else {
      frames.pop();
      add(frames.at(-1)!.children, wrap(top));
    }
  }
  return frames[0]!.children;
}

function wrap({ open, children }: Frame): Inline {
  if (open!.mark === "link") return { kind: "link", href: open!.href!, children };
  return { kind: open!.mark, children };
}

/** Text joins the text before it, in a list that only this pass has seen. */
function add(children: Inline[], node: Inline): void {
  const last = children.at(-1);
  if (node.kind === "text" && last?.kind === "text") children[children.length - 1] = { kind: "text", text: last.text + node.text };
  else children.push(node);
}
