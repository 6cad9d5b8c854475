// What the tests share: clients of each kind, on each transport.
import { test } from "node:test";
import newest from "socket.io-client";
import oldest from "socket.io-client-oldest";
import v2 from "socket.io-client-v2";

export const url = process.env.SERVER;

const clients = { "4.x newest": newest, "4.x oldest": oldest, "2.x": v2 };
const transports = {
  "polling, then WebSocket": ["polling", "websocket"],
  WebSocket: ["websocket"],
  polling: ["polling"],
};

// A test that needs this long has failed.
export const limit = { timeout: 30_000 };

// connect makes a socket that is closed when the test ends.
export function connect(t, io, namespace = "/", options = {}) {
  const socket = io(url + namespace, { forceNew: true, timeout: 20_000, reconnectionDelay: 10, reconnectionDelayMax: 50, ...options });
  t.after(() => socket.close());
  return socket;
}

// each declares a test for each client and transport. open connects as the
// test's client does, whatever its version.
export function each(name, body) {
  for (const client of Object.keys(clients)) {
    for (const transport of Object.keys(transports)) {
      test(`${client}, ${transport}: ${name}`, limit, async (t) => {
        const open = (namespace, options) => connect(t, clients[client], namespace, { transports: transports[transport], ...options });
        await body(open, { t, client, transport, isV2: client === "2.x" });
      });
    }
  }
}

// next is the arguments of the next such event, as an array.
export function next(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
}

// ask emits an event and waits for its acknowledgement.
export function ask(socket, event, ...args) {
  return new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer)));
}

// connected waits for a socket to be connected.
export async function connected(socket) {
  if (!socket.connected) await next(socket, "connect");
  return socket;
}

// upgraded waits for the transport that the test is about.
export async function upgraded(socket, transport) {
  const engine = socket.io.engine;
  const want = transport === "polling" ? "polling" : "websocket";
  if (engine.transport.name !== want) await next(engine, "upgrade");
  return engine.transport.name;
}

