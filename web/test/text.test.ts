import assert from "node:assert/strict";
import { test } from "node:test";
import { pieces } from "../src/text.ts";

const show = (body: string): string =>
  pieces(body, (n) => n === "ada")
    .map((p) => (p.kind === "text" ? p.text : `<${p.kind}:${p.text}>`))
    .join("");

test("links are http and https only, without the sentence's marks", () => {
  assert.equal(show("see https://a.example/x?y=1#z."), "see <link:https://a.example/x?y=1#z>.");
  assert.equal(show("(http://a.example)"), "(<link:http://a.example>)");
  assert.equal(show("http://a.example/w_(x)"), "<link:http://a.example/w_(x)>");
  assert.equal(show("javascript:alert(1) ftp://a data:text/html,x"), "javascript:alert(1) ftp://a data:text/html,x");
  assert.equal(show("https://"), "https://");
  assert.equal(show('<img src=x onerror="x">'), '<img src=x onerror="x">');
});

test("mentions are of known names, at the start of a word", () => {
  assert.equal(show("@ada, @bob and x@ada"), "<mention:@ada>, @bob and x@ada");
  assert.equal(show("@Ada."), "<mention:@Ada>.");
});
