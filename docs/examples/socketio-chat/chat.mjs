// A chat in a terminal, with the socket.io-client that everybody has: lines that
// are typed are posted, and what others say is printed.
import { randomUUID } from "node:crypto";
import { argv, env, stdin } from "node:process";
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const [url, name] = argv.slice(2);
if (!url || !name || !env.TOKEN) {
  console.error("usage: TOKEN=... node chat.mjs URL ROOM");
  process.exit(2);
}

// An unanswered event is sent again, also after a reconnect; the nonce makes one
// message of all that arrive.
const socket = io(url, { auth: { token: env.TOKEN }, retries: 100, ackTimeout: 10_000, reconnectionDelayMax: 2000 });

let room; // its id
let me;
const people = new Map(); // names by id
const shown = new Set(); // what comes twice has the same id

async function nameOf(user) {
  if (!people.has(user)) {
    const answer = await fetch(new URL(`/api/v1/users/${user}`, url), { headers: { Authorization: `Bearer ${env.TOKEN}` } });
    if (answer.ok) people.set(user, (await answer.json()).username);
  }
  return people.get(user) ?? user;
}

// One line after another, though names may have to be asked for.
let printed = Promise.resolve();
function show(message) {
  if (message.room !== room || shown.has(message.id) || message.deleted) return;
  shown.add(message.id);
  printed = printed.then(async () => console.log(`${await nameOf(message.user)}: ${message.body}`)).catch(console.error);
}

// load is for the first time, when it shows the newest page, and for when the
// server cannot tell what was missed: then it shows all that came since.
function load(after = [...shown].sort().at(-1)) {
  socket.emit("history", { room: name, after, limit: 200 }, (err, page) => {
    if (err ?? page.error) return console.error("history:", err ?? page.error);
    page.items.forEach(show);
    if (page.next) load(page.next);
  });
}

socket.on("ready", (state) => {
  me = state.user.id;
  people.set(me, state.user.username);
  room = state.rooms.find((r) => r.name === name || r.id === name)?.id;
  if (!room) {
    console.error(`you are not in ${name}`);
    process.exit(1);
  }
  console.log(socket.recovered ? "* back, with all that was missed" : `* in ${name} as ${state.user.username}`);
  if (!socket.recovered) load();
});
socket.on("reset", () => load());
socket.on("message", show);
socket.on("typing", async ({ user }) => user !== me && console.log(`* ${await nameOf(user)} is typing`));
socket.on("disconnect", (reason) => {
  if (reason !== "io client disconnect") console.log(`* gone: ${reason}`);
});
socket.on("connect_error", (err) => {
  if (err.data) {
    console.error(`refused: ${err.data.code}, ${err.message}`); // it would be again
    process.exit(1);
  }
});

const lines = createInterface({ input: stdin });
lines.on("line", (line) => {
  if (line === "/typing") socket.volatile.emit("typing", { room: name });
  else if (line)
    socket.emit("post", { room: name, body: line, nonce: randomUUID() }, (err, answer) => {
      if (err ?? answer.error) console.error("post:", err ?? answer.error);
    });
});
lines.on("close", () => socket.close());
