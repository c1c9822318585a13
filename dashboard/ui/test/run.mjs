// The browser tests. `node test/run.mjs` runs all against the double; `--origin URL [--key rk_…]` runs the story
// against a real server with an empty store. `--only WORDS` picks cases.
import { serve } from "../mock/server.mjs";
import { built } from "./dist.mjs";
import { launch } from "./harness.mjs";
import { states } from "./states.mjs";
import { story } from "./story.mjs";

const option = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? null : process.argv[at + 1];
};
const given = option("origin");
const key = option("key");
const only = option("only");
const server = given ? null : await serve(0, true);
const origin = given ? given.replace(/\/$/, "") : `http://127.0.0.1:${server.address().port}`;

async function send(path, body, headers = {}) {
  const response = await fetch(origin + path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}
const api = (path, body) => send(path, body, key ? { authorization: `Bearer ${key}` } : {});
const steer = (what, body = {}) => send(`/mock/${what}`, body);

const browser = await launch();
let failed = 0;
let ran = 0;
let page = null;

async function run(cases, before) {
  for (const [name, test] of cases) {
    if (only && !name.includes(only)) continue;
    ran += 1;
    const started = Date.now();
    try {
      await before?.();
      const made = await test({ browser, origin, key, page, api, steer });
      if (made) page = made;
      if (page?.faults.length) throw new Error(`faults of the page:\n${page.faults.splice(0).join("\n")}`);
      console.log(`ok   ${name} (${Date.now() - started} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}\n${error.stack}`);
    }
  }
}

await run(built);
await run(story);
await page?.context().close();
page = null;
if (!given) await run(states, () => steer("reset"));
await browser.close();
server?.close();
server?.closeAllConnections();
console.log(`${ran - failed} of ${ran} passed`);
process.exit(failed > 0 || ran === 0 ? 1 : 0);
