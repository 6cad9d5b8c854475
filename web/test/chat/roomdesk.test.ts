import { afterEach, expect, test, vi } from "vitest";
import { Pager } from "../../src/chat/pager.ts";
import { Missing } from "../../src/chat/missing.ts";
import { RoomDesk } from "../../src/chat/roomdesk.ts";
import { api } from "../../src/wire/api.ts";
import { at, message, room, storeWithRoom } from "../make.ts";

afterEach(() => vi.restoreAllMocks());

test("I8: what was told while a room was asked for is not taken back by the answer", async () => {
  const store = storeWithRoom();
  const desk = new RoomDesk(store, new Pager(store, new Missing(store), () => undefined), () => undefined);
  const asked = vi.spyOn(api, "room").mockImplementationOnce(() => {
    store.apply({ type: "message", ...message("08") });
    store.apply({ type: "message", ...message("09") });
    return Promise.resolve(room({ unread: 1, last: { id: "08", at } })); // as it was before 09
  });
  asked.mockImplementation(() => Promise.resolve(room({ unread: 2, last: { id: "09", at } })));
  await desk.loadRoom("R");
  expect(store.rooms.peek("R")?.unread).toBe(2);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("a room whose newest message went is asked for a few times, not for ever", async () => {
  const store = storeWithRoom({ last: { id: "09", at } });
  const desk = new RoomDesk(store, new Pager(store, new Missing(store), () => undefined), () => undefined);
  const asked = vi.spyOn(api, "room").mockResolvedValue(room({ last: { id: "08", at } }));
  await desk.loadRoom("R");
  expect(asked.mock.calls.length).toBeLessThan(5);
  expect(store.rooms.peek("R")?.last?.id).toBe("08");
});
