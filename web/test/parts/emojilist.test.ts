import { expect, test } from "vitest";
import { allEmoji, emojiNamed, findEmoji } from "../../src/parts/emojilist.ts";

test("each emoji stands there once, under a name that can be typed between colons", () => {
  expect(allEmoji.length).toBeGreaterThan(300);
  expect(new Set(allEmoji.map((e) => e.char)).size).toBe(allEmoji.length);
  expect(new Set(allEmoji.map((e) => e.name)).size).toBe(allEmoji.length);
  for (const e of allEmoji) {
    expect(e.name).toMatch(/^[a-z][a-z_]+$/);
    expect([...new Intl.Segmenter("en").segment(e.char)]).toHaveLength(1);
    expect(e.char).toMatch(/\p{Extended_Pictographic}/u);
  }
});

test("an emoji is found by the beginning of its name before others", () => {
  expect(findEmoji("cof", 3)[0]?.char).toBe("☕");
  expect(findEmoji("Thumbs up", 3)[0]?.char).toBe("👍");
  expect(findEmoji("nothing at all", 3)).toEqual([]);
  expect(emojiNamed("tada")?.char).toBe("🎉");
});
