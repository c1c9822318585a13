// dist/ is what a build of the source gives; and each compressed file holds its plain one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const ui = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(ui, "..", "dist");

export const built = [
  ["dist is what the source gives", async () => {
    const fresh = mkdtempSync(join(tmpdir(), "recap-dist-"));
    try {
      execFileSync(process.execPath, [join(ui, "build.mjs"), fresh], { stdio: "ignore" });
      const names = readdirSync(dist).sort();
      assert.deepEqual(names, readdirSync(fresh).sort());
      for (const name of names.filter((one) => !/\.(br|gz)$/.test(one))) {
        assert.ok(readFileSync(join(dist, name)).equals(readFileSync(join(fresh, name))), `${name} differs`);
      }
    } finally {
      rmSync(fresh, { recursive: true });
    }
    for (const name of ["index.html", "app.js", "app.css", "icon.svg"]) {
      const plain = readFileSync(join(dist, name));
      assert.ok(brotliDecompressSync(readFileSync(join(dist, `${name}.br`))).equals(plain), `${name}.br`);
      assert.ok(gunzipSync(readFileSync(join(dist, `${name}.gz`))).equals(plain), `${name}.gz`);
    }
  }],
];
