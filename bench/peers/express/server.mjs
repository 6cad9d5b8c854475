// Rooms with pages of messages, as the documentation of Express would have them
// served, on PostgreSQL and with answers kept in Redis.
//
//   API_JWT_SECRET=... node server.mjs --redis SOCKET --postgres DIRECTORY
//
// It answers the few of klatch's calls that the scenario makes, with JSON of the
// same shape and size. Each request's token is verified. What a page costs then:
//
//   kept       two look-ups in Redis: may the user read the room, and the answer
//   not kept   the same, a query for the page, and the answer is kept for a minute
//   no-cache   a query for each of the two, and nothing is kept or looked up;
//              so with no-store
//
// https://expressjs.com/en/advanced/best-practice-performance.html advises
// compression, NODE_ENV=production, a process for each core (node:cluster), no
// synchronous work, and to cache answers. Beyond it: queries are prepared,
// answers come from Redis as bytes and leave as they are, and the key of the
// tokens is made once.
//
// Every answer, kept or not, leaves through res.send and the compression
// middleware, both as they come. So each page's ETag is made anew (weak, SHA-1 of
// the plain bytes); who has it is told 304, unless asking with no-cache; and who
// takes gzip has the page compressed anew. The same page of advice would
// have a busy site compress in a reverse proxy; here is none before any server.

import cluster from "node:cluster";
import { createSecretKey } from "node:crypto";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import compression from "compression";
import express from "express";
import jwt from "jsonwebtoken";
import pg from "pg";
import { createClient, RESP_TYPES } from "redis";

const { values: flags } = parseArgs({ options: { redis: { type: "string" }, postgres: { type: "string" } } });
const keptSeconds = 60;
// Given a string, jsonwebtoken tries for half a millisecond to read it as a public key first.
const secret = createSecretKey(process.env.API_JWT_SECRET, "utf8");
const database = { host: flags.postgres, user: "postgres", database: "postgres", idleTimeoutMillis: 0 };

if (cluster.isPrimary) await lead();
else await work();

// lead makes the tables and starts a worker for each core. The workers end with it.
async function lead() {
  const client = new pg.Client(database);
  await client.connect();
  await client.query(`
    CREATE TABLE rooms (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE, private boolean NOT NULL DEFAULT false);
    CREATE TABLE members (room bigint REFERENCES rooms, username text, PRIMARY KEY (room, username));
    CREATE TABLE messages (
      id bigserial PRIMARY KEY, room bigint NOT NULL REFERENCES rooms, author text NOT NULL, body text NOT NULL, at timestamptz NOT NULL
    );
    CREATE INDEX messages_by_room ON messages (room, id)`);
  await client.end();
  const workers = availableParallelism();
  let listening = 0;
  cluster.on("listening", (_, { port }) => {
    if (++listening === workers) console.log(`express ${version("express")} on http://127.0.0.1:${port}`);
  });
  cluster.on("exit", (worker) => {
    console.error(`worker ${worker.process.pid} ended`);
    process.exit(1);
  });
  for (let i = 0; i < workers; i++) cluster.fork();
}

async function work() {
  const pool = new pg.Pool(database);
  // All of the pool's connections exist before the load does, so that their processes can be counted.
  const clients = await Promise.all(Array.from({ length: pool.options.max }, () => pool.connect()));
  for (const client of clients) client.release();
  const redis = createClient({ socket: { path: flags.redis } });
  redis.on("error", (error) => console.error(error));
  await redis.connect();

  const app = express();
  app.use(compression());
  app.use(express.json());
  app.use(authenticate);
  app.post("/api/v1/rooms", makeRoom(pool));
  app.post("/api/v1/rooms/:room/join", join(pool));
  const path = "/api/v1/rooms/:room/messages";
  app.post(path, post(pool, redis));
  app.get(path, mayRead(pool, redis), kept(redis), page(pool));
  app.listen(0, "127.0.0.1", 4096);
}

// authenticate puts the user whom the token names into req.user.
function authenticate(req, res, next) {
  const [scheme, token] = (req.get("Authorization") ?? "").split(" ");
  try {
    if (scheme !== "Bearer") throw new Error("no bearer token");
    req.user = jwt.verify(token, secret, { algorithms: ["HS256"] }).sub;
  } catch {
    res.status(401).json({ title: "Unauthorized", status: 401 });
    return;
  }
  next();
}

function makeRoom(pool) {
  return async (req, res) => {
    const { rows } = await pool.query("INSERT INTO rooms (name) VALUES ($1) RETURNING id", [req.body.name]);
    await pool.query("INSERT INTO members (room, username) VALUES ($1, $2)", [rows[0].id, req.user]);
    res.status(201).json({ id: wide(rows[0].id), name: req.body.name });
  };
}

function join(pool) {
  return async (req, res) => {
    await pool.query("INSERT INTO members (room, username) VALUES ($1, $2) ON CONFLICT DO NOTHING", [BigInt(req.params.room), req.user]);
    res.json({ id: req.params.room });
  };
}

// post stores a message of a member and drops the room's kept pages.
function post(pool, redis) {
  return async (req, res) => {
    const { room } = req.params;
    const at = new Date();
    const { rows } = await pool.query({
      name: "post",
      text: `INSERT INTO messages (room, author, body, at)
        SELECT room, username, $3, $4 FROM members WHERE room = $1 AND username = $2 RETURNING id`,
      values: [BigInt(room), req.user, req.body.body, at],
    });
    if (rows.length === 0) {
      res.status(403).json({ title: "Forbidden", status: 403 });
      return;
    }
    await redis.del([...await redis.sMembers(`pages:${room}`), `pages:${room}`]);
    res.status(201).json(message(rows[0].id, room, req.user, req.body.body, at));
  };
}

const uncached = (req) => ["no-cache", "no-store"].includes(req.get("Cache-Control"));

// mayRead lets members pass, and all users into public rooms.
function mayRead(pool, redis) {
  return async (req, res, next) => {
    const { room } = req.params;
    const key = `access:${room}:${req.user}`;
    if (!uncached(req) && await redis.get(key)) {
      next();
      return;
    }
    const { rows } = await pool.query({
      name: "access",
      text: `SELECT r.id FROM rooms r WHERE r.id = $1
        AND (NOT r.private OR EXISTS (SELECT 1 FROM members m WHERE m.room = r.id AND m.username = $2))`,
      values: [BigInt(room), req.user],
    });
    if (rows.length === 0) {
      res.status(404).json({ title: "Not Found", status: 404 });
      return;
    }
    if (!uncached(req)) await redis.setEx(key, keptSeconds, "1");
    next();
  };
}

// kept answers from Redis, by URL, or has the answer kept there. A page that is
// read just before a post and kept just after it is stale until its time is over.
function kept(redis) {
  const bytes = redis.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return async (req, res, next) => {
    if (uncached(req)) {
      res.set("X-Cache", "BYPASS");
      next();
      return;
    }
    const key = `page:${req.originalUrl}`;
    const answer = await bytes.get(key);
    if (answer) {
      res.set("X-Cache", "HIT").type("json").send(answer);
      return;
    }
    res.json = (body) => {
      const text = JSON.stringify(body);
      redis.multi().sAdd(`pages:${req.params.room}`, key).setEx(key, keptSeconds, text).exec()
        .catch((error) => console.error(error));
      return res.set("X-Cache", "MISS").type("json").send(text);
    };
    next();
  };
}

// page answers the newest messages of a room, oldest first.
function page(pool) {
  return async (req, res) => {
    const { room } = req.params;
    const limit = Math.min(Math.max(Number.parseInt(req.query.limit, 10) || 50, 1), 200);
    const { rows } = await pool.query({
      name: "page",
      text: "SELECT id, author, body, at FROM messages WHERE room = $1 ORDER BY id DESC LIMIT $2",
      values: [BigInt(room), limit + 1],
    });
    const items = rows.slice(0, limit).reverse().map((row) => message(row.id, room, row.author, row.body, row.at));
    res.json({ items, prev: rows.length > limit ? items[0].id : null, next: null });
  };
}

function message(id, room, user, body, at) {
  return { id: wide(id), room: wide(room), user: wide(user), body, at: at.toISOString() };
}

// wide makes an id as long as klatch's.
function wide(id) {
  return String(id).padStart(26, "0");
}

function version(name) {
  return createRequire(import.meta.url)(`${name}/package.json`).version;
}
