// node build.mjs            builds dist
// node build.mjs --verify   tells whether dist is what a build makes now
// node build.mjs --test     bundles the tests for node's test runner
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

process.chdir(import.meta.dirname);

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
}

/** Writes a file under a name that holds its content's hash. */
async function put(dir, name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const hashed = name.replace(".", `-${hash}.`);
  await writeFile(join(dir, hashed), content);
  return hashed;
}

async function contents(dir) {
  const names = (await readdir(dir)).sort();
  return new Map(await Promise.all(names.map(async (n) => [n, (await readFile(join(dir, n))).toString("base64")])));
}

async function verify() {
  const dir = await mkdtemp(join(tmpdir(), "klatch-web-"));
  try {
    await buildPage(dir);
    const [fresh, kept] = [await contents(dir), await contents("dist")];
    const names = new Set([...fresh.keys(), ...kept.keys()]);
    const stale = [...names].filter((n) => fresh.get(n) !== kept.get(n));
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
