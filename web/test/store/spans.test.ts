import { expect, test } from "vitest";
import { beginning, live, Spans } from "../../src/store/spans.ts";

test("spans are the union of what was added, apart where nothing was", () => {
  let seed = 3;
  const random = (n: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const place = (n: number): string => String.fromCharCode(97 + n);
  for (let round = 0; round < 500; round++) {
    const spans = new Spans();
    const model = new Set<number>(); // the whole stretches between neighbouring places
    for (let i = 0; i < 6; i++) {
      const a = random(20);
      const b = a + 1 + random(5);
      spans.add({ from: place(a), to: place(b) });
      for (let x = a; x < b; x++) model.add(x);
      for (let x = 0; x < 25; x++) {
        const s = spans.at(place(x));
        expect(s !== undefined && s.to > place(x)).toBe(model.has(x));
      }
      const all = spans.all;
      for (let k = 1; k < all.length; k++) expect(all[k - 1]!.to < all[k]!.from).toBe(true);
    }
  }
});

test("the ends are the beginning and live, and a cut keeps what is within", () => {
  const spans = new Spans();
  spans.add({ from: "m", to: live });
  spans.add({ from: beginning, to: "c" });
  expect(spans.at("zz")).toEqual({ from: "m", to: live });
  expect(spans.at("d")).toBeUndefined();
  spans.cut({ from: "b", to: "p" });
  expect(spans.all).toEqual([{ from: "b", to: "c" }, { from: "m", to: "p" }]);
});
