import { expect, test } from "vitest";
import { sources } from "../words/sources.ts";

const physical = [
  /(?<![\w-])(margin|padding|border|scroll-margin|scroll-padding)-(left|right)\b/,
  /(?<![\w-])(left|right)\s*:/,
  /(?<![\w-])(text-align|float|clear|caption-side)\s*:\s*(left|right)\b/,
  /border-(top|bottom)-(left|right)-radius/,
  /(?<![\w-])inset\s*:[^;}]*/, // four values, of which the second and the fourth differ
  /(?<![\w-])(margin|padding|border-width)\s*:[^;}]*/,
];

/** What a style says that is the same in whatever direction one reads: one to three values, or four with equal sides. */
function sided(declaration: string): boolean {
  const [, values] = declaration.split(":");
  if (values === undefined) return true;
  if (!/^\s*(inset|margin|padding|border-width)\s*:/.test(declaration)) return true;
  const parts = values.replace(/\([^()]*(\([^()]*\)[^()]*)*\)/g, "()").trim().split(/\s+/);
  return parts.length === 4 && parts[1] !== parts[3];
}

function leanings(css: string): string[] {
  const found = physical.flatMap((p) => [...css.matchAll(new RegExp(p, "g"))].map((m) => m[0]));
  return found.filter(sided);
}

test.each(sources(".css"))("%s knows no left and right", (_, css) => {
  expect(leanings(css.replace(/\/\*.*?\*\//gs, ""))).toEqual([]);
});

test("the scan finds what leans to a side", () => {
  const leaning = ["margin-left: 1px", "right: 0", "text-align: left", "float: right", "padding: 0 1px 0 2px", "inset: 0 auto 0 0", "border-top-left-radius: 1px"];
  for (const declaration of leaning) expect(leanings(`a { ${declaration}; }`), declaration).not.toEqual([]);
  const upright = ["margin-inline-start: 1px", "padding: 0 1px 2px", "inset: auto 0 5px", "padding: 0 0.6rem calc(0.6rem + env(x))", "text-align: start", "padding: 1px 2px 3px 2px"];
  for (const declaration of upright) expect(leanings(`a { ${declaration}; }`), declaration).toEqual([]);
});
