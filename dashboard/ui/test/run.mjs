// The browser tests. `node test/run.mjs --recap BINARY` runs all: the story against that binary and against the double,
// then what only the one or the other shows. Without a binary the double alone; `--origin URL [--key rk_…]` runs the
// story against a server that runs already, with an empty store. `--only WORDS` picks cases.
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { serve } from "../mock/server.mjs";
import { built } from "./dist.mjs";
import { launch, shots } from "./harness.mjs";
import { MODEL_AWAY, honest, limits, real as ours } from "./real.mjs";
import { Recap } from "./recap.mjs";
import { shown } from "./shown.mjs";
import { states } from "./states.mjs";
import { story } from "./story.mjs";
import { walk } from "./walk.mjs";

const option = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? null : process.argv[at + 1];
};
const given = option("origin");
// The server runs in a folder of its own.
const binary = option("recap") && resolve(option("recap"));
const only = option("only");

const browser = await launch();
let failed = 0;
let ran = 0;

/**
 * Cases one after the other, on one server; a case may hand its page on to the next. With `before`, which sets the server
 * back, each case begins without a page: what an earlier one still asks would count as asked by the next.
 */
async function run(where, cases, { origin, key = null, ...more }, before) {
  let page = null;
  const send = async (path, body, headers = {}) => {
    // As a careful client does: what a busy server puts off is sent again, and stored once.
    const once = path === "/chats" ? { "idempotency-key": randomUUID() } : {};
    for (let left = 10; ; left -= 1) {
      const response = await fetch(origin + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...once, ...headers },
        body: JSON.stringify(body),
      });
      if (response.ok) return response.json();
      const said = await response.text();
      if (response.status !== 503 || left === 0) throw new Error(`${path}: ${response.status} ${said}`);
      await new Promise((done) => setTimeout(done, 1000 * (Number(response.headers.get("retry-after")) || 1)));
    }
  };
  const api = (path, body) => send(path, body, key ? { authorization: `Bearer ${key}` } : {});
  const steer = (what, body = {}) => send(`/mock/${what}`, body);
  for (const [name, test] of cases) {
    if (only && !`${where}: ${name}`.includes(only)) continue;
    ran += 1;
    const started = Date.now();
    try {
      if (before) {
        await page?.context().close();
        page = null;
        await before(steer);
      }
      const made = await test({ browser, origin, key, page, api, steer, ...more });
      if (made && page && made !== page) await page.context().close();
      if (made) page = made;
      if (page?.faults.length) throw new Error(`faults of the page:\n${page.faults.splice(0).join("\n")}`);
      console.log(`ok   ${where}: ${name} (${Date.now() - started} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${where}: ${name}\n${error.stack}`);
      await page?.screenshot({ path: `${shots}/failed-${where}-${failed}.png` }).catch(() => {});
    }
  }
  await page?.context().close();
}

async function againstDouble() {
  const double = await serve(0, true);
  const origin = `http://127.0.0.1:${double.address().port}`;
  await run("double", story, { origin });
  await run("double", [...states, ...shown], { origin }, (steer) => steer("reset"));
  double.close();
  double.closeAllConnections();
}

async function againstBinary(where, cases, settings) {
  const recap = await new Recap(binary, settings).start();
  try {
    await run(where, cases, { origin: recap.origin, key: recap.key, recap });
  } finally {
    await recap.remove();
  }
}

if (given) {
  await run("given", story, { origin: given.replace(/\/$/, ""), key: option("key") });
} else {
  await run("dist", built, { origin: "" });
  // Side by side: most of the time is waiting.
  const real = binary ? [againstBinary("recap", [...story, ...ours]), againstBinary("limits", limits), againstBinary("honest", honest, MODEL_AWAY), againstBinary("walk", walk, {})] : [];
  await Promise.all([againstDouble(), ...real]);
}
await browser.close();
console.log(`${ran - failed} of ${ran} passed`);
process.exit(failed > 0 || ran === 0 ? 1 : 0);
