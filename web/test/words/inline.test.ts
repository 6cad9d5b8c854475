import { expect, test } from "vitest";
import { inlineTexts } from "./inline.ts";
import { sources } from "./sources.ts";

test.each(sources(".tsx"))("%s shows nothing that is not from words", (path, text) => {
  expect(inlineTexts(path, text)).toEqual([]);
});

test("the scan finds text wherever it may stand", () => {
  const page = `
    const a = <p>Plain <b>bold</b>{"held"}</p>;
    const b = <i title="told" aria-label={x ? "one" : words.two} class="not shown" />;
    const c = <>{n > 0 && \`\${n} counted\`}{words.fine}{kind === "reply" ? <u /> : "or else"}</>;`;
  expect(inlineTexts("page.tsx", page).sort()).toEqual(["Plain", "bold", "counted", "held", "one", "or else", "told"]);
});
