// An app with users of its own, and chat by klatch. People sign in here; klatch
// never sees their passwords. It takes this app's word, a JWT (RFC 7519) that lives
// for an hour, and checks it with the public key that the app publishes as a JWK
// Set (RFC 7517). Nothing here is from npm.
//
//   node app.mjs 4000
//   klatch serve --registration closed --auth-jwks http://127.0.0.1:4000/jwks.json \
//     --auth-issuer http://127.0.0.1:4000 --auth-audience chat
//
//   GET  /jwks.json                       the public keys
//   POST /login {username, password}      -> {token}: what the browser gives to klatch
//   POST /rotate                          a new key; the old one's tokens hold until they expire
import { generateKeyPairSync, randomUUID, scryptSync, sign, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { argv } from "node:process";

const LIFETIME = 3600; // seconds
const MAX_BODY = 4096; // bytes

// Your users, in your database.
const stored = (password) => { const salt = randomUUID(); return { salt, hash: scryptSync(password, salt, 32) }; };
const users = new Map([
  ["ada", { name: "Ada L.", rooms: ["lobby", "maths"], password: stored("correct horse ada") }],
  ["bob", { name: "Bob", rooms: ["lobby"], password: stored("correct horse bob") }],
]);

// The newest key signs. Old ones stay published while tokens of theirs may live.
// Keep the private keys where your app keeps its other secrets.
const keys = [];
function rotate() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  keys.unshift({ id: randomUUID(), privateKey, publicKey, made: Date.now() });
  while (keys.length > 1 && Date.now() - keys[1].made > 2 * LIFETIME * 1000) keys.pop();
}
const published = () => ({
  keys: keys.map((k) => ({ ...k.publicKey.export({ format: "jwk" }), kid: k.id, use: "sig", alg: "ES256" })),
});

// What klatch reads of a token: sub is the username there (a-z 0-9 - _ . and at
// most 64 of them), name is shown, rooms are joined, and made, on first sight.
function makeToken(issuer, username) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const { id, privateKey } = keys[0];
  const { name, rooms } = users.get(username);
  const now = Math.floor(Date.now() / 1000);
  const text = `${part({ alg: "ES256", typ: "JWT", kid: id })}.${part({
    iss: issuer, aud: "chat", sub: username, name, rooms, iat: now, exp: now + LIFETIME,
  })}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

const nobody = stored("nobody"); // so that a wrong name takes as long as a wrong password
function signsIn(username, password) {
  const { salt, hash } = users.get(username)?.password ?? nobody;
  return timingSafeEqual(scryptSync(String(password), salt, 32), hash) && users.has(username);
}

async function body(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BODY) throw new Error("too long");
  }
  return JSON.parse(text);
}

const server = createServer(async (request, response) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const answer = (status, value, more = {}) => {
    response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", ...more });
    response.end(JSON.stringify(value));
  };
  switch (`${request.method} ${request.url}`) {
    case "GET /jwks.json":
      return answer(200, published(), { "Cache-Control": "max-age=300" });
    case "POST /login":
      try {
        const { username, password } = await body(request);
        return signsIn(username, password) ? answer(200, { token: makeToken(issuer, username) }) : answer(401, { error: "wrong name or password" });
      } catch {
        return answer(400, { error: "send {username, password} as JSON" });
      }
    case "POST /rotate": // for your own operators alone
      rotate();
      return answer(200, { keys: keys.length });
  }
  answer(404, { error: "nothing here" });
});

rotate();
server.listen(Number(argv[2] ?? 4000), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
