// The WebSocket's subprotocols: how a frame is written and read.

import type { AckFrame, ErrorFrame, Notice, Pong } from "./types.ts";

export type Received = Notice | AckFrame | ErrorFrame | Pong;

export interface Codec {
  readonly subprotocol: string;
  encode(frame: object): string | ArrayBuffer;
  decode(data: unknown): Received;
}

export const json: Codec = {
  subprotocol: "klatch.v1.json",
  encode: (frame) => JSON.stringify(frame),
  decode: (data) => JSON.parse(String(data)) as Received,
};
