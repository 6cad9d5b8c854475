// Which of the two formats of the WebSocket is read faster by V8: npx vitest bench --run
// The last time they were compared docs/web.md says what came of it.

import { decode, encode } from "cborg";
import { bench, describe } from "vitest";
import { message } from "../make.ts";

const notice = { type: "message", ...message("01JCJ3Z8X00007Q0000000000A", { room: "01JCJ3Z8X00007Q0000000000B", user: "01JCJ3Z8X00007Q0000000000C", nonce: "6ff1c2d0-9c55-4b12-8f7a-0c9d5a7c1c11" }) };
const page = { type: "ack", ref: 7, items: Array.from({ length: 50 }, () => notice), prev: null, next: null };

for (const [what, value] of Object.entries({ message: notice, "page of 50": page })) {
  const text = JSON.stringify(value);
  const binary = new Uint8Array(encode(value));
  describe(`${what}: JSON ${text.length} bytes, CBOR ${binary.length} bytes`, () => {
    bench("JSON", () => void JSON.parse(text));
    bench("CBOR", () => void decode(binary));
  });
}
