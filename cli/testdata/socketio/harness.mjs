// What the suite knows of klatch: tokens, sessions, and the nodes' deaths.
import assert from "node:assert/strict";
import { test } from "node:test";
import newest from "socket.io-client";
import oldest from "socket.io-client-oldest";
import { connect, next } from "./clients.mjs";
import { makeToken } from "./token.mjs";

export const alone = process.env.NODES === "1";
export const patience = 60_000;

const clients = { "4.x newest": newest, "4.x oldest": oldest };
const transports = {
  "polling, then WebSocket": ["polling", "websocket"],
  WebSocket: ["websocket"],
  polling: ["polling"],
};

let made = 0;
// fresh is a name that no other test has.
export const fresh = (what) => `${what}-${process.pid}-${made++}`;

export const token = (user, rooms) => makeToken(process.env.SECRET, user, rooms);

// enter connects as a user and waits for ready, which becomes socket.state.
export async function enter(t, io, options, user, rooms) {
  const socket = connect(t, io, "/", { ...options, auth: { token: token(user, rooms) } });
  socket.on("error", (e) => assert.fail(`error event: ${JSON.stringify(e)}`));
  [socket.state] = await next(socket, "ready");
  return socket;
}

// each declares a test for each client and transport, with two users in a room.
export function each(name, body) {
  for (const [client, io] of Object.entries(clients)) {
    for (const [transport, use] of Object.entries(transports)) {
      test(`${client}, ${transport}: ${name}`, { timeout: 2 * patience }, async (t) => {
        const room = fresh("room");
        const open = (user, rooms = [room]) => enter(t, io, { transports: use }, user, rooms);
        await body({ t, io, open, room, transport, transports: use, isNewest: io === newest, ada: fresh("ada"), bob: fresh("bob") });
      });
    }
  }
}

// tell emits an event and is its acknowledgement, or "no answer" after a time.
export function tell(socket, event, fields, wait = patience) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("no answer"), wait);
    socket.emit(event, fields, (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

// insist asks until the answer is ok: where it was asked, a user or a room of
// another node may not be known yet.
export async function insist(socket, event, fields) {
  for (const end = Date.now() + patience; ; ) {
    const answer = await tell(socket, event, fields, 3000);
    if (answer?.ok) return answer;
    assert.ok(Date.now() < end, `${event}: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// inbox collects events, and waits until they are as wanted.
export function inbox(socket, event) {
  const items = [];
  let look = () => {};
  socket.on(event, (item) => {
    items.push(item);
    look();
  });
  const until = (what, wanted) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`never: ${what}; there are ${items.length} of ${event}`)), patience);
      look = () => {
        if (!wanted(items)) return;
        clearTimeout(timer);
        resolve(items);
      };
      look();
    });
  return { items, until, look: () => look() };
}

// order has the Go side do something to a node, and waits until it is done.
export async function order(what, node) {
  const answer = await fetch(`${process.env.CONTROL}/${what}/${node}`, { method: "POST" });
  assert.equal(answer.status, 204);
}
