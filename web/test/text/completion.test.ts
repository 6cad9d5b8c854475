import { expect, test } from "vitest";
import { matching, namedAt, replaced, wantedAt } from "../../src/text/completion.ts";
import { firstIdAt } from "../../src/text/ulid.ts";

const at = (text: string) => wantedAt(text, text.length);

test("a name is wanted after @, an emoji after : and two letters", () => {
  expect(at("hello @bo")).toEqual({ kind: "person", from: 6, typed: "bo" });
  expect(at("@")).toEqual({ kind: "person", from: 0, typed: "" });
  expect(at("(@Bo")).toEqual({ kind: "person", from: 1, typed: "bo" });
  expect(at("well :cof")).toEqual({ kind: "emoji", from: 5, typed: "cof" });
  expect(wantedAt("@bob and more", 3)).toEqual({ kind: "person", from: 0, typed: "bo" });
});

test.each(["", "bob@example", "a@", "@bob ", "12:30", "http://", ":c", "std::vec", "x @ y"])("nothing is wanted after %j", (text) => {
  expect(at(text)).toBeNull();
});

test("a closed name is found where it ends", () => {
  expect(namedAt("so :tada:", 9)).toEqual({ name: "tada", from: 3 });
  expect(namedAt("12:30:", 6)).toBeNull();
  expect(namedAt("so :tada: now", 13)).toBeNull();
});

test("what was typed gives way to what was chosen, and the caret stands after it", () => {
  expect(replaced("to @bo now", 3, 6, "@bob")).toEqual({ text: "to @bob now", caret: 7 });
});

test("people are found by username and by the words of their names, the closest first", () => {
  const people = [
    { username: "zoe", display_name: "Zoe Bond" },
    { username: "abo", display_name: "Abo" },
    { username: "bob", display_name: "Robert" },
    { username: "eve", display_name: "Eve" },
  ];
  expect(matching(people, "bo", 9).map((p) => p.username)).toEqual(["bob", "zoe", "abo"]);
  expect(matching(people, "", 2)).toHaveLength(2);
  expect(matching(people, "x", 9)).toEqual([]);
});

test("the first id of a millisecond is the ULID of it", () => {
  expect(firstIdAt(1469918176385)).toBe("01ARYZ6S410000000000000000"); // the specification's own example
  expect(firstIdAt(0)).toBe("0".repeat(26));
  expect(firstIdAt(1000) < firstIdAt(1001)).toBe(true);
});
