// The published clients against klatch.
import assert from "node:assert/strict";
import { connect, connected, next, upgraded } from "./clients.mjs";
import { alone, each, fresh, inbox, insist, order, patience, tell } from "./harness.mjs";

each("posts, and others hear it", async ({ open, room, transport, ada, bob }) => {
  const [a, b] = await Promise.all([open(ada), open(bob)]);
  const heard = [inbox(a, "message"), inbox(b, "message")];
  await Promise.all([a, b].map((s) => upgraded(s, transport)));
  const answers = [];
  for (let i = 0; i < 20; i++) answers.push(await tell(a, "post", { room, body: `tea ${i} ü😀` }));
  for (const answer of answers) assert.equal(answer.ok, true, JSON.stringify(answer));
  for (const h of heard) {
    await h.until("all posts", (all) => all.length >= 20);
    assert.deepEqual(h.items.map((m) => [m.id, m.body]), answers.map((x, i) => [x.id, `tea ${i} ü😀`]));
    assert.equal(h.items[0].user, a.state.user.id);
  }
});

each("joins, and pages through the history", async ({ open, room, ada, bob }) => {
  const a = await open(ada);
  for (let i = 0; i < 5; i++) assert.equal((await tell(a, "post", { room, body: `${i}` })).ok, true);
  const b = await open(bob, []);
  assert.deepEqual(b.state.rooms.filter((r) => r.name === room), []);
  const joined = await insist(b, "join", { room });
  assert.equal(joined.room.name, room);
  const heard = inbox(b, "message");
  const all = inbox(b, "nothing"); // items of pages
  let before;
  do {
    const page = await insist(b, "history", { room, before, limit: 2 });
    assert.ok(page.items.length <= 2);
    all.items.unshift(...page.items);
    before = page.prev;
  } while (before);
  assert.deepEqual(all.items.map((m) => m.body), ["0", "1", "2", "3", "4"]);
  const { id } = await insist(a, "post", { room, body: "welcome", nonce: "welcome" });
  await heard.until("the welcome", (m) => m.some((x) => x.id === id));
});

each("signals binary both ways", async ({ open, room, transport, ada, bob }) => {
  const [a, b] = await Promise.all([open(ada), open(bob)]);
  await Promise.all([a, b].map((s) => upgraded(s, transport)));
  const blob = Buffer.from([0, 1, 0x1e, 0xff, 4]);
  for (const [from, to] of [[a, b], [b, a]]) {
    const got = inbox(to, "signal");
    const name = fresh("stroke");
    // Not stored: what is told before the other node knows both members is lost.
    for (const end = Date.now() + patience; !got.items.some((s) => s.name === name); ) {
      assert.ok(Date.now() < end, "no signal came");
      assert.equal((await tell(from, "signal", { room, name, data: { deep: [blob] } })).ok, true);
      await tell(to, "ping", {});
    }
    const signal = got.items.find((s) => s.name === name);
    assert.equal(signal.user, from.state.user.id);
    assert.deepEqual(Buffer.from(signal.data.deep[0]), blob);
  }
});

each("hears of errors", async ({ open, room, ada }) => {
  const a = await open(ada);
  const nowhere = await tell(a, "post", { room: fresh("nowhere"), body: "x" });
  assert.deepEqual([nowhere.ok, nowhere.error.code], [false, "not_found"]);
  const empty = await tell(a, "post", { room, body: "" });
  assert.deepEqual([empty.error.code, empty.error.errors[0].field], ["invalid_field", "body"]);
  const unknown = await tell(a, "chat message", "hello");
  assert.equal(unknown.ok, false);
  a.off("error");
  const told = next(a, "error");
  a.emit("post", { room, body: "" });
  assert.equal((await told)[0].code, "invalid_field");
  assert.equal((await tell(a, "post", { room, body: "still here" })).ok, true);
});

// I9
each("is refused with data, and let in with a token", async ({ t, io, open, transports, ada }) => {
  const good = await open(ada);
  for (const auth of [{}, { token: "x" }, { token: good.auth.token.slice(0, -6) + "AAAAAA" }]) {
    const s = connect(t, io, "/", { transports, auth });
    const [err] = await next(s, "connect_error");
    assert.equal(err.data.code, "unauthorized");
    assert.equal(s.connected, false);
    s.auth = good.auth;
    s.connect();
    await connected(s);
    s.close();
  }
});

// I7
each("posts once what it repeats", async ({ open, room, isNewest, ada, bob }) => {
  const [a, b] = await Promise.all([open(ada), open(bob)]);
  const heard = inbox(b, "message");
  const post = { room, body: "once", nonce: "once" };
  if (isNewest) {
    a.disconnect();
    await assert.rejects(a.timeout(20).emitWithAck("post", post), /timed out/);
    a.connect();
    await connected(a);
    assert.equal((await a.timeout(30_000).emitWithAck("post", post)).ok, true);
  }
  const [x, y] = await Promise.all([tell(a, "post", post), tell(a, "post", post)]);
  assert.deepEqual([x.ok, x.id], [true, y.id]);
  const last = await tell(a, "post", { room, body: "last" });
  await heard.until("the last", (all) => all.some((m) => m.id === last.id));
  assert.deepEqual(heard.items.filter((m) => m.body === "once").map((m) => m.id), [x.id]);
});

const posts = 100;

// fault says what is wrong with what a client heard and was told, by the room's
// history. A post that two nodes took before they met, because the first died
// before it answered, is there twice until they do; then the later one is taken
// back (docs/cluster.md), of which the oldest client may learn by history alone.
function fault(page, acked, heard, takenBack) {
  const ids = new Map(page.map((m) => [m.body, m.id]));
  if (page.length !== posts || ids.size !== posts) return `${page.length} messages of ${ids.size} posts`;
  const got = new Set(heard.map((m) => m.id));
  for (const { id, body } of page) {
    if (!got.has(id)) return `${body} was missed`;
    if (!acked.has(body) || acked.get(body) < id) return `${body} was acknowledged as ${acked.get(body)} and is ${id}`;
  }
  for (const { id, body } of heard) {
    if (ids.get(body) !== id && !(id > ids.get(body) && takenBack(id))) return `${body} came as ${id} too`;
  }
}

// I1, I5, I7: the node of a session is killed while somebody else posts.
each("misses nothing when its node is killed", async ({ open, room, isNewest, ada, bob }) => {
  const [reader, poster] = await Promise.all([open(ada), open(bob)]);
  const heard = inbox(reader, "message");
  let returns = 0;
  reader.on("ready", async () => {
    // The oldest knows nothing of recovery: it reads what came meanwhile, as it always had to.
    if (!isNewest) heard.items.push(...(await insist(reader, "history", { room, limit: 200 })).items);
    returns++;
    heard.look();
  });
  const resets = inbox(reader, "reset");
  const withdrawn = inbox(reader, "message_deleted");
  const killed = reader.state.node;

  const ids = new Map(); // by nonce, as they were acknowledged
  let halfway;
  const half = new Promise((resolve) => (halfway = resolve));
  const posting = (async () => {
    for (let i = 0; i < posts; i++) {
      const nonce = `${room} ${i}`;
      ids.set(nonce, (await insist(poster, "post", { room, body: nonce, nonce })).id);
      if (i === 30) halfway();
    }
  })();
  await half;
  await order("kill", killed);
  if (alone) await order("start", killed);
  await posting;
  await heard.until("all posts", (all) => new Set(all.map((m) => m.body)).size >= posts && returns > 0);
  if (!alone) await order("start", killed);

  const takenBack = (id) => !isNewest || withdrawn.items.some((x) => x.id === id && x.duplicate);
  const check = async () => {
    const { items } = await insist(reader, "history", { room, limit: 200 });
    return fault(items.filter((m) => !m.deleted), ids, heard.items, takenBack);
  };
  let wrong = await check();
  for (const end = Date.now() + patience / 3; wrong && Date.now() < end; wrong = await check()) await tell(reader, "ping", {});
  assert.equal(wrong, undefined);
  if (isNewest) {
    assert.equal(reader.recovered, true);
    assert.deepEqual(resets.items, []);
  }
});

// I5
each("is told when it cannot recover", async ({ open, isNewest, ada }) => {
  if (!isNewest) return;
  const a = await open(ada);
  assert.equal(a.recovered, false);
  const reset = next(a, "reset");
  const back = next(a, "ready");
  a._lastOffset = "no offset of klatch's"; // the library has no other way to lose it
  a.io.engine.close();
  await back;
  assert.equal(a.recovered, false);
  assert.equal(typeof (await reset)[0].reason, "string");
});
