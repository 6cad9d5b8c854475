// engine.io-client alone: its messages are Socket.IO packets written by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Socket } from "engine.io-client";
import { limit, next, url } from "./harness.mjs";

for (const transports of [["polling", "websocket"], ["websocket"], ["polling"]]) {
  test(`engine.io-client, ${transports}: speaks packets`, limit, async (t) => {
    const engine = new Socket(url, { path: "/socket.io/", transports });
    t.after(() => engine.close());
    const messages = [];
    let wake = () => {};
    engine.on("message", (m) => {
      messages.push(m);
      wake();
    });
    const message = async () => {
      while (messages.length === 0) await new Promise((resolve) => (wake = resolve));
      return messages.shift();
    };
    await next(engine, "open");
    engine.send("0");
    assert.match(await message(), /^0\{"sid":"[\w-]{20}"\}$/);
    engine.send('27["echo",{"a":1}]');
    assert.equal(await message(), '37[{"a":1}]');
    if (transports.length > 1 && engine.transport.name === "polling") await next(engine, "upgrade");
    engine.send('51-8["echo",{"_placeholder":true,"num":0}]');
    engine.send(Buffer.from([1, 2]));
    assert.equal(await message(), '61-8[{"_placeholder":true,"num":0}]');
    assert.deepEqual(Buffer.from(await message()), Buffer.from([1, 2]));
    const gone = next(engine, "close");
    engine.send("abc"); // no packet
    await gone;
  });
}
