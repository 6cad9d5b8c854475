// node build.mjs            builds dist, and prints what it weighs
// node build.mjs --verify   tells whether dist is what a build makes now
// node build.mjs --words FILE DIR   builds the page with other words, for tests
import { Zstd } from "@hpcc-js/wasm-zstd";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join, resolve } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";
import { build } from "vite";

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

// Every file but the page has its content's hash in its name: the server lets browsers keep those for ever.
const hashed = "[name]-[hash:12]";

/** Tags as the server's preload links expect them: a stylesheet asked for in another mode would be fetched twice. */
const plainTags = {
  name: "plain-tags",
  transformIndexHtml: { order: "post", handler: (html) => html.replaceAll(" crossorigin", "") },
};

/** Puts another catalogue in the place of the English one. */
const withWords = (file) => ({
  name: "with-words",
  enforce: "pre",
  resolveId: (source, importer) => (source === "./en.ts" && importer?.endsWith("/words/words.ts") ? resolve(file) : null),
});

async function buildPage(dir, plugins = []) {
  await rm(dir, { recursive: true, force: true });
  await build({
    root: "src",
    configFile: false,
    logLevel: "warn",
    plugins: [plainTags, ...plugins],
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: resolve(dir),
      emptyOutDir: true,
      target: "es2022",
      cssTarget: ["chrome123", "firefox120", "safari17.5"], // the first with light-dark(), which older targets would have unfolded
      assetsInlineLimit: 0, // the policy allows no inline style or script
      cssCodeSplit: false,
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: { app: resolve("src/index.html") },
        output: {
          hashCharacters: "hex",
          entryFileNames: `${hashed}.js`,
          chunkFileNames: `${hashed}.js`,
          assetFileNames: `${hashed}[extname]`,
        },
      },
    },
  });
  await buildWorker(dir);
  for (const name of await readdir(dir)) await packNeighbours(dir, name);
}

/** The service worker has no hash in its name, and knows the files of its build: it is made last. */
async function buildWorker(dir) {
  const page = await readFile(join(dir, "index.html"));
  const files = (await readdir(dir)).filter((name) => name !== "index.html").sort();
  const named = files.filter((name) => page.includes(`/${name}"`));
  await build({
    root: "src",
    configFile: false,
    logLevel: "warn",
    define: {
      __FILES__: JSON.stringify(files),
      __NAMED__: JSON.stringify(named),
      __PAGE_HASH__: JSON.stringify(createHash("sha256").update(page).digest("hex")),
    },
    build: {
      outDir: resolve(dir),
      emptyOutDir: false,
      target: "es2022",
      reportCompressedSize: false,
      rolldownOptions: {
        input: resolve("src/keep/worker.ts"),
        output: { format: "iife", entryFileNames: "sw.js" },
      },
    },
  });
}

/** The most that may be fetched before a room shows, by brotli. */
const budgets = { ".js": 45_000, ".css": 10_000 };

/** Prints what browsers fetch, and fails when the page's own script or style has grown too large. */
async function weigh(dir) {
  const page = await readFile(join(dir, "index.html"), "utf8");
  for (const name of (await readdir(dir)).sort()) {
    if (!compressible.has(extname(name))) continue;
    const content = await readFile(join(dir, name));
    const size = brotli(content).length;
    const first = name === "index.html" || page.includes(`/${name}"`);
    console.log(`${name.padEnd(28)}${String(content.length).padStart(8)}${String(size).padStart(8)} br${first ? "" : "  when it is asked for"}`);
    if (first && size > (budgets[extname(name)] ?? Infinity)) {
      console.error(`${name} is over its ${budgets[extname(name)]} bytes`);
      process.exitCode = 1;
    }
  }
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

const words = process.argv.indexOf("--words");
if (words > 0) {
  await buildPage(process.argv[words + 2], [withWords(process.argv[words + 1])]);
} else if (process.argv.includes("--verify")) {
  await verify();
} else {
  await buildPage("dist");
  await weigh("dist");
}
