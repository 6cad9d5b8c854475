import assert from "node:assert/strict";
import { test } from "node:test";
import newest from "socket.io-client";
import { ask, connect, connected, each, limit, next, upgraded } from "./harness.mjs";

const megabyte = 1_000_000 - 200; // just under maxPayload, with the packet's own bytes

each("reaches its transport", async (open, { transport }) => {
  const socket = await connected(open());
  assert.equal(await upgraded(socket, transport), transport === "polling" ? "polling" : "websocket");
  assert.deepEqual(await ask(socket, "echo", "there"), ["there"]);
});

each("has the id that the server knows", async (open) => {
  const socket = await connected(open());
  const [id] = await ask(socket, "id");
  assert.equal(id, socket.id);
});

each("sends and gets events in order", async (open, { transport }) => {
  const socket = await connected(open());
  const got = [];
  const all = new Promise((resolve) => socket.on("back", (i) => got.push(i) === 300 && resolve()));
  for (let i = 0; i < 300; i++) socket.emit("bounce", i); // the upgrade is under way meanwhile
  await all;
  assert.deepEqual(got, [...Array(300).keys()]);
  await upgraded(socket, transport);
});

each("keeps every kind of value", async (open) => {
  const socket = await connected(open());
  const values = [1, -2.5, "ü 😀 \u2028 \x1e \\ \"", null, true, { a: [{ b: {} }] }, []];
  assert.deepEqual(await ask(socket, "echo", ...values), values);
});

each("acknowledges what the server asks", async (open) => {
  const socket = await connected(open());
  socket.on("question", (n, answer) => answer(n + 1, { ok: true }));
  assert.deepEqual(await ask(socket, "ask me", 41), [42, { ok: true }]);
});

each("lets the server's question time out", async (open) => {
  const socket = await connected(open());
  socket.on("question", () => {});
  assert.deepEqual(await ask(socket, "ask me briefly"), ["context deadline exceeded"]);
});

each("carries binary both ways", async (open) => {
  const socket = await connected(open());
  socket.on("binary", (x, answer) => answer(x.data, Buffer.from("c")));
  const bytes = Buffer.from([0, 1, 0x1e, 0xff, 4]);
  const [first, deep, text] = await ask(socket, "echo", bytes, { deep: [bytes] }, "text");
  assert.deepEqual(Buffer.from(first), bytes);
  assert.deepEqual(Buffer.from(deep.deep[0]), bytes);
  assert.equal(text, "text");
  const [one, two] = await ask(socket, "ask for binary");
  assert.deepEqual([Buffer.from(one), Buffer.from(two)], [Buffer.from("a\0b"), Buffer.from("c")]);
});

each("carries a megabyte both ways", async (open, { transport }) => {
  const socket = await connected(open());
  await upgraded(socket, transport);
  const text = "x".repeat(megabyte);
  const [same] = await ask(socket, "echo", text);
  assert.ok(same === text);
  // Base64, where it is polled, takes a third more.
  const bytes = Buffer.alloc(transport === "polling" ? 700_000 : megabyte, 7);
  const [binary] = await ask(socket, "echo", bytes);
  assert.ok(bytes.equals(Buffer.from(binary)));
});

each("joins namespaces on one connection", async (open) => {
  const main = await connected(open());
  const other = await connected(main.io.socket("/other"));
  assert.equal(main.io.engine, other.io.engine);
  assert.deepEqual(await ask(other, "where"), ["/other"]);
  assert.deepEqual(await ask(main, "where"), ["/"]);
  const gone = next(other, "disconnect");
  other.disconnect();
  assert.equal((await gone)[0], "io client disconnect");
  assert.deepEqual(await ask(main, "where"), ["/"]);
});

each("hears what is sent to its rooms", async (open) => {
  const [a, b, c] = await Promise.all([open(), open(), open()].map(connected));
  const room = `room ${a.id}`;
  await Promise.all([ask(a, "join", room), ask(b, "join", room)]);
  const heard = [];
  for (const [name, s] of Object.entries({ a, b, c })) s.on("said", (what) => heard.push(`${name} ${what}`));
  await ask(a, "say", room, "hello"); // to the others of the room
  await ask(c, "say", b.id, "psst"); // to one socket
  await Promise.all([a, b, c].map((s) => ask(s, "echo")));
  assert.deepEqual(heard.sort(), ["b hello", "b psst"]);
});

each("is told when the server disconnects it", async (open) => {
  const socket = await connected(open());
  const gone = next(socket, "disconnect");
  socket.emit("throw me out");
  assert.equal((await gone)[0], "io server disconnect");
  assert.equal(socket.connected, false);
  assert.ok(!socket.active); // it does not come back
});

each("comes back after the server cut it", async (open) => {
  const socket = await connected(open());
  const before = socket.id;
  const [gone, back] = [next(socket, "disconnect"), next(socket, "connect")];
  socket.emit("cut me");
  const [reason] = await gone;
  assert.ok(["transport close", "transport error"].includes(reason), reason);
  socket.emit("bounce", "buffered while away");
  const answer = next(socket, "back");
  await back;
  assert.notEqual(socket.id, before);
  assert.deepEqual(await answer, ["buffered while away"]);
});

each("buffers what is emitted before it is connected, but not volatile events", async (open, { isV2 }) => {
  const socket = open();
  const got = [];
  socket.on("back", (x) => got.push(x));
  if (!isV2) socket.volatile.emit("bounce", "volatile");
  socket.emit("bounce", 1);
  socket.emit("bounce", 2);
  await connected(socket);
  await ask(socket, "echo");
  assert.deepEqual(got, [1, 2]);
});

each("is refused with data", async (open, { isV2 }) => {
  const socket = open("/private", isV2 ? { query: { token: "bad" } } : { auth: { token: "bad" } });
  const [err] = await next(socket, isV2 ? "error" : "connect_error");
  if (isV2) {
    assert.deepEqual(err, { code: 4001 });
    return;
  }
  assert.equal(err.message, "unauthorized");
  assert.deepEqual(err.data, { code: 4001 });
  socket.auth = { token: "good" };
  socket.connect();
  await connected(socket);
  assert.deepEqual(await ask(socket, "auth"), [{ token: "good" }]);
});

each("may show its token", async (open, { isV2 }) => {
  const socket = await connected(open("/private", isV2 ? { query: { token: "good" } } : { auth: { token: "good" } }));
  const [auth] = await ask(socket, "auth");
  assert.equal(auth.token, "good");
});

each("is refused by a namespace that does not exist", async (open, { isV2 }) => {
  const socket = open("/nowhere");
  const [err] = await next(socket, isV2 ? "error" : "connect_error");
  assert.equal(isV2 ? err : err.message, "Invalid namespace");
});

each("tells the server why it left", async (open) => {
  const watcher = await connected(open());
  const socket = await connected(open());
  const left = next(watcher, `left ${socket.id}`);
  await ask(watcher, "watch", socket.id);
  socket.disconnect();
  const [reason] = await left;
  // A client leaves its namespace, then closes; polling may deliver both at once.
  assert.ok(["client namespace disconnect", "transport close"].includes(reason), reason);
});

test("emits with a timeout and promises (newest)", limit, async (t) => {
  const socket = await connected(connect(t, newest));
  assert.equal(await socket.timeout(20_000).emitWithAck("echo", 1), 1);
  await assert.rejects(socket.timeout(50).emitWithAck("never"), /timed out/);
});

test("retries until it is acknowledged (newest)", limit, async (t) => {
  const socket = await connected(connect(t, newest, "/", { retries: 3, ackTimeout: 20_000 }));
  assert.equal(await socket.emitWithAck("echo", "once"), "once");
});

test("stays connected over several heartbeats (newest)", limit, async (t) => {
  for (const transports of [["websocket"], ["polling"]]) {
    const socket = await connected(connect(t, newest, "/", { transports }));
    let pings = 0;
    socket.on("disconnect", (reason) => assert.fail(`${transports}: ${reason}`));
    await new Promise((resolve) => socket.io.on("ping", () => ++pings === 3 && resolve()));
    assert.deepEqual(await ask(socket, "echo", 1), [1]);
    socket.off("disconnect");
  }
});

test("tries the next transport when the first fails (newest)", limit, async (t) => {
  const socket = connect(t, newest, "/", { transports: ["websocket", "polling"], tryAllTransports: true });
  await connected(socket);
  assert.deepEqual(await ask(socket, "echo", 1), [1]);
});
