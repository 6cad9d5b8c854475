import { expect, test } from "vitest";
import { SortedList } from "../../src/store/sortedlist.ts";

interface Item {
  key: string;
  order: string;
  value: number;
}

const make = (): SortedList<Item> => new SortedList((i) => i.key, (i) => i.order);

test("a sorted list is a map in order, whatever is done to it", () => {
  const list = make();
  const model = new Map<string, Item>();
  let seed = 7;
  const random = (n: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % n;
  };
  for (let i = 0; i < 3000; i++) {
    const key = `k${random(40)}`;
    // Orders are unique to a key, as message ids are.
    const item = { key, order: `${random(9)}${key}`, value: i };
    const op = random(3);
    if (op === 0) {
      list.add(item);
      model.set(key, item);
    } else if (op === 1) {
      expect(list.remove(key)).toBe(model.delete(key));
    } else {
      const change = (old: Item): Item => ({ ...old, order: item.order, value: i });
      const had = model.get(key);
      expect(list.update(key, change)).toBe(had !== undefined);
      if (had) model.set(key, change(had));
    }
    expect(list.get(key)).toEqual(model.get(key));
    const sorted = [...model.values()].sort((a, b) => (a.order < b.order ? -1 : 1));
    expect(list.all).toEqual(sorted);
  }
});
