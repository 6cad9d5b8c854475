// A body as pieces to show. Everything not listed here is plain text.

export type Piece =
  | { kind: "text"; text: string }
  | { kind: "link"; text: string; href: string }
  | { kind: "mention"; text: string };

const special = /https?:\/\/[^\s<>"]+|(?<![\w.~-])@[\w.~-]+/gi;

/** isName tells which @names are shown as mentions. */
export function pieces(body: string, isName: (name: string) => boolean): Piece[] {
  const out: Piece[] = [];
  let end = 0;
  for (const m of body.matchAll(special)) {
    const p = m[0].startsWith("@") ? mention(m[0], isName) : link(m[0]);
    if (!p) continue;
    if (m.index > end) out.push({ kind: "text", text: body.slice(end, m.index) });
    out.push(p);
    end = m.index + p.text.length;
  }
  if (end < body.length) out.push({ kind: "text", text: body.slice(end) });
  return out;
}

function mention(text: string, isName: (name: string) => boolean): Piece | null {
  const trimmed = text.replace(/[._-]+$/, "");
  return isName(trimmed.slice(1).toLowerCase()) ? { kind: "mention", text: trimmed } : null;
}

function link(found: string): Piece | null {
  let text = found.replace(/[.,:;!?'*_]+$/, "");
  if (text.endsWith(")") && !text.includes("(")) text = text.replace(/\)+[.,:;!?]*$/, "");
  try {
    const url = new URL(text);
    const web = url.protocol === "https:" || url.protocol === "http:";
    return web ? { kind: "link", text, href: url.href } : null;
  } catch {
    return null;
  }
}
