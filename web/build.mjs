// node build.mjs            builds dist
// node build.mjs --verify   tells whether dist is what a build makes now
// node build.mjs --test     bundles the tests for node's test runner
import { Zstd } from "@hpcc-js/wasm-zstd";
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";

process.chdir(import.meta.dirname);

const zstd = await Zstd.load();

/** The content codings of HTTP, by the suffix of the neighbour that holds a file in it. */
const codings = {
  ".br": { pack: brotli, unpack: brotliDecompressSync },
  // Above level 19 the window may pass the 8 MB that browsers take (RFC 9659).
  ".zst": { pack: (content) => zstd.compress(content, 19), unpack: (packed) => zstd.decompress(packed) },
  ".gz": { pack: gzip, unpack: gunzipSync },
};

const compressible = new Set([".css", ".html", ".js", ".json", ".svg", ".txt", ".wasm", ".webmanifest", ".xml"]);
const worthPacking = 512; // less fits one packet as it is
const worthKeeping = 0.95; // of the size as it is

async function buildPage(dir) {
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const { outputFiles } = await build({
    entryPoints: { app: "src/main.ts", style: "src/app.css" },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    outdir: dir,
    write: false,
  });
  const names = { icon: await put(dir, "icon.svg", await readFile("src/icon.svg")) };
  for (const f of outputFiles) {
    const kind = f.path.endsWith(".css") ? "css" : "js";
    names[kind] = await put(dir, `app.${kind}`, f.contents);
  }
  const page = await readFile("src/index.html", "utf8");
  await writeFile(join(dir, "index.html"), page.replace(/\{\{(\w+)\}\}/g, (_, kind) => `/${names[kind]}`));
  for (const name of await readdir(dir)) await packNeighbours(dir, name);
}

/** Writes a file under a name that holds its content's hash. */
async function put(dir, name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const hashed = name.replace(".", `-${hash}.`);
  await writeFile(join(dir, hashed), content);
  return hashed;
}

/** Writes what the server sends of a file to those who take a coding. */
async function packNeighbours(dir, name) {
  const content = await readFile(join(dir, name));
  if (!compressible.has(extname(name)) || content.length < worthPacking) return;
  for (const [suffix, { pack }] of Object.entries(codings)) {
    const packed = pack(content);
    if (packed.length <= content.length * worthKeeping) await writeFile(join(dir, name + suffix), packed);
  }
}

function brotli(content) {
  return brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
}

function gzip(content) {
  const packed = gzipSync(content, { level: constants.Z_BEST_COMPRESSION, memLevel: constants.Z_MAX_MEMLEVEL });
  packed[9] = 255; // the system that packed it (RFC 1952) is nobody's business; node writes no time
  return packed;
}

async function contents(dir) {
  const names = (await readdir(dir)).sort();
  return new Map(await Promise.all(names.map(async (n) => [n, await readFile(join(dir, n))])));
}

/**
 * Tells whether a kept file is what a build makes. Brotli and zlib are node's,
 * and another node may pack a little differently: a packed file must hold the
 * same and be about as small.
 */
function isCurrent(name, fresh, kept) {
  const [made, have] = [fresh.get(name), kept.get(name)];
  if (!made || !have) return false;
  const coding = codings[extname(name)];
  if (!coding || made.equals(have)) return made.equals(have);
  try {
    const content = fresh.get(name.slice(0, -extname(name).length));
    return have.length <= made.length * 1.02 && content.equals(coding.unpack(have));
  } catch {
    return false; // it cannot be unpacked
  }
}

async function verify() {
  const dir = await mkdtemp(join(tmpdir(), "klatch-web-"));
  try {
    await buildPage(dir);
    const [fresh, kept] = [await contents(dir), await contents("dist")];
    const names = new Set([...fresh.keys(), ...kept.keys()]);
    const stale = [...names].filter((n) => !isCurrent(n, fresh, kept));
    if (stale.length > 0) {
      console.error(`web/dist is not what the sources make (${stale.join(", ")}): run npm run build`);
      process.exitCode = 1;
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function bundleTests() {
  const outdir = "node_modules/.klatch-test";
  await rm(outdir, { recursive: true, force: true });
  const tests = (await readdir("test")).filter((n) => n.endsWith(".test.ts"));
  await build({
    entryPoints: tests.map((n) => join("test", n)),
    bundle: true,
    format: "esm",
    platform: "node",
    outdir,
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
  });
}

if (process.argv.includes("--verify")) await verify();
else if (process.argv.includes("--test")) await bundleTests();
else await buildPage("dist");
