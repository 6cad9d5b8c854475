// A chat server as the documentation of Socket.IO would have one written: who
// connects names a user and a room, and what is posted goes to all in the room.
//
//   node server.mjs [--redis SOCKET] [--postgres DIRECTORY]
//
// With --redis, several of these are one server, by @socket.io/redis-adapter.
// With --postgres, each message is a committed row before anybody gets it.
//
// The tuning is what https://socket.io/docs/v4/performance-tuning and
// https://socket.io/docs/v4/memory-usage advise: ws's native add-ons (bufferutil,
// utf-8-validate) are in package.json, and the handshake's request is let go.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { createAdapter } from "@socket.io/redis-adapter";
import pg from "pg";
import { createClient } from "redis";
import { Server } from "socket.io";

const { values: flags } = parseArgs({ options: { redis: { type: "string" }, postgres: { type: "string" } } });

const http = createServer();
const io = new Server(http);
io.engine.on("connection", (raw) => { raw.request = null; });

if (flags.redis) {
  const pub = createClient({ socket: { path: flags.redis } });
  const sub = pub.duplicate();
  await Promise.all([pub.connect(), sub.connect()]);
  io.adapter(createAdapter(pub, sub));
}

const nextID = flags.postgres ? await rows(flags.postgres) : sequence();

io.on("connection", (socket) => {
  const { user, room } = socket.handshake.auth;
  socket.join(room);
  socket.on("post", async (body, ack) => {
    const at = new Date();
    const id = await nextID(room, user, body, at);
    io.to(room).emit("message", { id, room, user, body, at: at.toISOString() });
    if (typeof ack === "function") ack({ id });
  });
});

// The default backlog of 511 has a storm wait for TCP retransmissions.
http.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  console.log(`socket.io ${version("socket.io")} on http://127.0.0.1:${http.address().port}`);
});

// sequence numbers messages in memory.
function sequence() {
  let last = 0;
  return () => wide(++last);
}

// rows stores messages and takes their numbers from the database.
async function rows(host) {
  const pool = new pg.Pool({ host, user: "postgres", database: "postgres", idleTimeoutMillis: 0 });
  await pool.query(`
    CREATE TABLE IF NOT EXISTS messages (
      id bigserial PRIMARY KEY, room text NOT NULL, author text NOT NULL, body text NOT NULL, at timestamptz NOT NULL
    );
    CREATE INDEX IF NOT EXISTS messages_by_room ON messages (room, id)`);
  // All of the pool's connections exist before the load does, so that their processes can be counted.
  const clients = await Promise.all(Array.from({ length: pool.options.max }, () => pool.connect()));
  for (const client of clients) client.release();
  return async (room, author, body, at) => {
    const insert = {
      name: "insert",
      text: "INSERT INTO messages (room, author, body, at) VALUES ($1, $2, $3, $4) RETURNING id",
      values: [room, author, body, at],
    };
    return wide((await pool.query(insert)).rows[0].id);
  };
}

// wide makes an id as long as those of the other servers under test.
function wide(n) {
  return String(n).padStart(26, "0");
}

function version(name) {
  return createRequire(import.meta.url)(`${name}/package.json`).version;
}
