// Makes built/ of source/: `node build.mjs`, or `node build.mjs --check`, which writes nothing and says what differs.
//
// The same source gives the same bytes, whenever and wherever: what is committed can be checked by whoever doubts it.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build, transform } from "esbuild";
import { minify } from "terser";

const HERE = new URL("./", import.meta.url);
const BUILT = new URL("built/", HERE);

// Gzipped, in bytes.
const BUDGETS = [
  { names: ["widget.js"], most: 12_288 },
  { names: ["widget.js", "panel.js"], most: 25_000 },
];

// The oldest that are served: constructable style sheets came to Firefox with 101, to Safari with 16.4.
const BROWSERS = ["chrome100", "firefox101", "safari16.4"];

// What parts of widget.js call each other by, and nobody else: no page, no server, and not the panel. They need no names.
const AMONG_ITSELF = [
  ...["agreed", "agreeing", "barred", "begin", "byCookie", "connect", "drop", "expiresAt", "flush", "follow", "frame"],
  ...["functionName", "globalName", "heard", "hello", "idle", "joined", "lasting", "lost", "mark", "methods", "over"],
  ...["part", "poll", "prepare", "pump", "refused", "release", "remember", "retryAfter", "setMark", "setPart", "settle"],
  ...["taken", "takeIdentity", "until", "vault", "watch", "whole"],
];

// What widget.js and panel.js call each other by. Both are built with one cache, so that they agree on the short names.
const BETWEEN_BOTH = ["consentNeeded", "emailPrompt", "leaveEmail", "longest", "onChange", "visitorId"];

async function versionOfHullo() {
  const project = await readFile(new URL("../../../pyproject.toml", HERE), "utf8");
  const found = /^version = "([^"]+)"$/m.exec(project);
  if (!found) throw new Error("pyproject.toml names no version");
  return found[1];
}

/** A page that allows no styles of others takes them from a constructable sheet, which wants text. */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const css = await readFile(path, "utf8");
      const { code } = await transform(css, { loader: "css", minify: true, target: BROWSERS });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

/** Gathered by the one, made small by the other, which is a twentieth better at it. */
async function bundle(entry, define, unnamed, mangled) {
  const { outputFiles, mangleCache } = await build({
    absWorkingDir: fileURLToPath(HERE),
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "iife",
    minify: true,
    charset: "utf8",
    legalComments: "none",
    target: BROWSERS,
    define,
    mangleProps: new RegExp(`^(?:${unnamed.join("|")})$`),
    mangleCache: mangled,
    plugins: [styles],
    logLevel: "warning",
  });
  let code = outputFiles[0].text;
  // Twice: the second time it finds what the first has left behind.
  for (let round = 0; round < 2; round++) {
    ({ code } = await minify(code, {
      ecma: 2020,
      toplevel: true,
      compress: { passes: 4, keep_fargs: false, pure_getters: true, unsafe_arrows: true, unsafe_methods: true },
    }));
  }
  return { bytes: Buffer.from(`${code}\n`), mangleCache };
}

function described(bytes) {
  return {
    integrity: `sha384-${createHash("sha384").update(bytes).digest("base64")}`,
    bytes: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
  };
}

/** What belongs into built/, by name. */
async function made() {
  const version = await versionOfHullo();
  const { bytes: panel, mangleCache } = await bundle("source/panel/panel.ts", {}, BETWEEN_BOTH, {});
  const panelIntegrity = described(panel).integrity;
  const defined = { VERSION: JSON.stringify(version), PANEL_INTEGRITY: JSON.stringify(panelIntegrity) };
  const unnamed = [...AMONG_ITSELF, ...BETWEEN_BOTH];
  const { bytes: widget } = await bundle("source/page/widget.ts", defined, unnamed, mangleCache);
  const files = {
    "widget.js": widget,
    "panel.js": panel,
    "hullo.d.ts": await readFile(new URL("source/hullo.d.ts", HERE)),
  };
  const manifest = {
    version,
    files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, described(bytes)])),
  };
  return { manifest, files: { ...files, "manifest.json": Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`) } };
}

/** Sizes to standard output; the sentences of budgets that are overspent. */
function weighed(manifest) {
  for (const [name, { bytes, gzip }] of Object.entries(manifest.files)) {
    console.log(`${name.padEnd(12)} ${String(bytes).padStart(7)} bytes ${String(gzip).padStart(7)} gzipped`);
  }
  return BUDGETS.flatMap(({ names, most }) => {
    const sum = names.reduce((total, name) => total + manifest.files[name].gzip, 0);
    return sum > most ? [`${names.join(" and ")}: ${sum} bytes gzipped, and ${most} are the budget`] : [];
  });
}

/** Names of files that are not there, or not as their source makes them. */
async function stale(files) {
  const differ = [];
  for (const [name, bytes] of Object.entries(files)) {
    const there = await readFile(new URL(name, BUILT)).catch(() => undefined);
    const same = name === "manifest.json" ? sameManifest(there, bytes) : there?.equals(bytes);
    if (!same) differ.push(name);
  }
  return differ;
}

/** Whether both say the same of the same files. How well gzip does depends on the zlib that Node.js came with. */
function sameManifest(one, other) {
  const said = (bytes) => JSON.stringify(JSON.parse(bytes), (key, value) => (key === "gzip" ? undefined : value));
  return one !== undefined && said(one) === said(other);
}

const { manifest, files } = await made();
const complaints = weighed(manifest);
if (process.argv.includes("--check")) {
  const differ = await stale(files);
  if (differ.length) complaints.push(`built/ is not what source/ makes (${differ.join(", ")}): run make widget`);
} else {
  await mkdir(BUILT, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) await writeFile(new URL(name, BUILT), bytes);
}
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length ? 1 : 0;
