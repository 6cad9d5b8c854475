// The contrast of what is read and seen, computed from the tokens (WCAG 2.2, 1.4.3 and 1.4.11).

import { expect, test } from "vitest";
import { sources } from "../words/sources.ts";

const styles = new Map(sources(".css"));
const tokens = styles.get("style/tokens.css")!;

/** In the light and in the dark. */
const colours = new Map([...tokens.matchAll(/--([\w-]+): light-dark\((#\w+), (#\w+)\);/g)].map(([, name, light, dark]) => [name!, { light: light!, dark: dark! }]));

/** What is read, on what: 4.5 to 1. */
const texts: Record<string, string[]> = {
  text: ["back", "side", "raised", "sunken", "hover", "side-hover", "active", "tint"],
  soft: ["back", "side", "raised", "sunken", "hover", "side-hover", "tint"],
  accent: ["back", "side", "raised", "hover", "tint"],
  "on-accent": ["accent", "accent-strong"],
  alert: ["back", "raised", "hover", "tint"],
  "on-alert": ["alert"],
  good: ["raised"],
  back: ["text"], // toasts
  side: ["soft"], // badges
  "code-word": ["sunken"],
  "code-text": ["sunken"],
  "code-name": ["sunken"],
  "code-value": ["sunken"],
};

/** What is seen: edges of fields, dots, marks: 3 to 1. */
const signs: Record<string, string[]> = {
  edge: ["back", "raised", "side"],
  accent: ["active", "side-hover", "sunken"],
  good: ["back", "side"],
  warn: ["back", "side"],
  alert: ["side", "sunken"],
};

const cases = [texts, signs].flatMap((pairs, i) =>
  Object.entries(pairs).flatMap(([front, backs]) => backs.flatMap((back) => (["light", "dark"] as const).map((theme) => [front, back, theme, i === 0 ? 4.5 : 3] as const))),
);

test.each(cases)("%s on %s in the %s has a contrast of at least %d", (front, back, theme, least) => {
  expect(contrast(colour(front)[theme], colour(back)[theme])).toBeGreaterThanOrEqual(least);
});

const white = "#ffffff";
const base = styles.get("style/base.css")!;

test.each([...base.matchAll(/\.(hue-\d+) \{ background: (#\w{6})/g)].map(([, hue, value]) => [hue!, value!]))("initials are read on %s", (_, value) => {
  expect(contrast(white, value)).toBeGreaterThanOrEqual(4.5);
});

test("contrast is what WCAG says it is", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
});

test("each colour stands once", () => {
  expect(colours.size).toBeGreaterThan(20);
  const set = [...tokens.matchAll(/--([\w-]+): light-dark\(/g)].map((m) => m[1]);
  expect(set).toEqual([...new Set(set)]);
  expect(tokens).not.toContain("prefers-color-scheme");
});

function colour(name: string): { light: string; dark: string } {
  const c = colours.get(name);
  if (!c) throw new Error(`there is no colour ${name}`);
  return c;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Relative luminance of an sRGB colour. */
function luminance(hex: string): number {
  const linear = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const [r, g, b] = linear as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
