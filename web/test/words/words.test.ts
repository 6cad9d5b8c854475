import { expect, test } from "vitest";
import { en } from "../../src/words/en.ts";
import { wordsIn } from "../../src/words/words.ts";
import { en as pseudo } from "./pseudo.ts";

const chosen = (languages: string[]): string => wordsIn(languages, { en, xb: pseudo }).lang;

test("the words are those of the first language that there is", () => {
  expect(chosen(["xb"])).toBe("en-XB");
  expect(chosen(["de", "xb", "en"])).toBe("en-XB");
  expect(chosen(["XB-Latn-CH", "en"])).toBe("en-XB");
  expect(chosen(["en-GB", "xb"])).toBe("en");
});

test("who reads no language that there is reads English", () => {
  expect(chosen([])).toBe("en");
  expect(chosen(["de", "constructor", "x"])).toBe("en");
});
