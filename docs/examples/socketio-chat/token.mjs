// What your backend does after its own sign-in: it makes a token that klatch
// accepts, a JWT (RFC 7519) with HS256. sub is the username; rooms are joined,
// and made, on first sight. Keep the secret on the server.
import { createHmac } from "node:crypto";
import { argv, env } from "node:process";
import { fileURLToPath } from "node:url";

const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

export function makeToken(secret, username, rooms, seconds = 3600) {
  const claims = { sub: username, rooms, exp: Math.floor(Date.now() / 1000) + seconds };
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const [username, ...rooms] = argv.slice(2);
  if (!env.KLATCH_AUTH_JWT_SECRET || !username) {
    console.error("usage: KLATCH_AUTH_JWT_SECRET=... node token.mjs USERNAME ROOM...");
    process.exit(2);
  }
  console.log(makeToken(env.KLATCH_AUTH_JWT_SECRET, username, rooms));
}
