import { expect, test } from "vitest";
import { Places } from "../../src/store/places.ts";
import { message, page, storeWithRoom } from "../make.ts";

test("a place is kept until the room is left from its end", () => {
  const places = new Places();
  places.leave("R", { id: "07", offset: -3 });
  expect(places.of("R")).toEqual({ id: "07", offset: -3 });
  places.leave("R", null);
  expect(places.of("R")).toBeUndefined();
});

test("of many rooms the one left longest ago is forgotten", () => {
  const places = new Places();
  for (let i = 0; i < 50; i++) places.leave(`R${i}`, { id: "1", offset: 0 });
  places.leave("R0", { id: "2", offset: 0 });
  places.leave("new", { id: "3", offset: 0 });
  expect(places.of("R0")?.id).toBe("2");
  expect(places.of("R1")).toBeUndefined();
  expect(places.of("new")?.id).toBe("3");
});

test("places end with the account, and with their room", () => {
  const s = storeWithRoom();
  s.places.leave("R", { id: "1", offset: 0 });
  s.removeRoom("R");
  expect(s.places.of("R")).toBeUndefined();
  s.places.leave("S", { id: "1", offset: 0 });
  s.signedOut();
  expect(s.places.of("S")).toBeUndefined();
});

test("a place that a reset took away does not leave the room without anything to show", () => {
  const t = storeWithRoom().timeline("R");
  t.addNewest(page(["03", "04", "05"], "03"));
  expect(t.showAround("04")).toBe(true);
  t.reset();
  t.addNewest({ items: ["08", "09"].map((id) => message(id)), prev: "08", next: null });
  expect(t.isLive).toBe(true);
  expect(t.rows.peek().map((e) => e.key)).toEqual(["08", "09"]);
});
