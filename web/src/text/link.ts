// Which links are links.

const allowed = new Set(["http:", "https:", "mailto:"]);
const longest = 2048;

/** The address of a link as it may be followed, or null. */
export function safeHref(text: string): string | null {
  if (text.length > longest || /[\s\u0000-\u001f\u007f]/.test(text)) return null;
  try {
    const url = new URL(text);
    return allowed.has(url.protocol) && (url.protocol === "mailto:" || url.hostname !== "") ? url.href : null;
  } catch {
    return null;
  }
}

const bare = /(?:https?:\/\/|mailto:)[^\s<>"`]+/iy;

/** What is written like an address at a place of a text, without the sentence's marks after it; href if it is one. */
export function bareLink(text: string, at: number): { text: string; href: string | null } | null {
  bare.lastIndex = at;
  const found = bare.exec(text)?.[0];
  if (!found) return null;
  const trimmed = found.slice(0, trimmedLength(found));
  return { text: trimmed, href: safeHref(trimmed) };
}

const marks = ".,:;!?'*_~";

function trimmedLength(s: string): number {
  let depth = 0;
  for (const c of s) depth += c === "(" ? 1 : c === ")" ? -1 : 0;
  let end = s.length;
  for (; end > 0; end--) {
    const c = s[end - 1]!;
    if (c === ")" && depth < 0) depth++;
    else if (!marks.includes(c)) break;
  }
  return end;
}

/** The address in brackets that begins at a place, and where it ends. */
export function destination(text: string, open: number): { href: string; end: number } | null {
  let depth = 0;
  for (let i = open; i < text.length && i - open < longest; i++) {
    const c = text[i]!;
    if (c === "(" && ++depth > 3) return null;
    if (/[\s<>]/.test(c)) return null;
    if (c === ")" && --depth === 0) {
      const href = safeHref(text.slice(open + 1, i));
      return href === null ? null : { href, end: i + 1 };
    }
  }
  return null;
}
