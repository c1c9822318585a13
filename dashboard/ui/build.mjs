// Builds ../dist from src: one script, one stylesheet, the page, the icon, and each of them compressed.
// `node build.mjs [folder]` writes elsewhere, so that a test can compare.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, mkdirSync, writeFileSync } from "node:fs";
import { join, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync, constants } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "..", "dist");

/** What the result depends on; the Rust test reads the same files in the same order. */
function sources() {
  const top = ["build.mjs", "icon.svg", "index.html", "package-lock.json", "package.json", "tsconfig.json"];
  const under = readdirSync(join(here, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(here.length + 1).replaceAll("\\", "/"));
  return [...top, ...under].sort((a, b) => (a < b ? -1 : 1));
}

function sourceHash() {
  const hash = createHash("sha256");
  for (const path of sources()) {
    const bytes = readFileSync(join(here, path));
    hash.update(`${path}\n${bytes.length}\n`);
    hash.update(bytes);
  }
  return hash.digest("hex");
}

const result = await build({
  absWorkingDir: here,
  entryPoints: { app: "src/main.tsx" },
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome123", "firefox121", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  outdir: "out",
  write: false,
  logLevel: "warning",
});

const files = { "icon.svg": readFileSync(join(here, "icon.svg")) };
for (const file of result.outputFiles) files[file.path.split(/[\\/]/).pop()] = Buffer.from(file.contents);
let page = readFileSync(join(here, "index.html"), "utf8");
for (const [name, bytes] of Object.entries(files)) {
  page = page.replaceAll(`%${name}%`, createHash("sha256").update(bytes).digest("hex").slice(0, 16));
}
files["index.html"] = Buffer.from(page);

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
let compressed = 0;
for (const [name, bytes] of Object.entries(files)) {
  const br = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  writeFileSync(join(out, name), bytes);
  writeFileSync(join(out, `${name}.br`), br);
  writeFileSync(join(out, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  compressed += br.length;
}
writeFileSync(join(out, "sources.sha256"), `${sourceHash()}\n`);
console.log(`${out}: ${compressed} bytes compressed`);
