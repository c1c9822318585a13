// What only the real server shows: a restart, a conversation of any length, its limits, its other page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { axe, contiguous, conversation, eventually, frames, held, newPage, notGrown, scrollOn, seqs, shots } from "./harness.mjs";

/** How long the long conversation is: in a debug build fewer. */
const LONG = Number(process.env.BROWSER_MESSAGES ?? 20_000);
const BODY = 1000;
const BEGIN = Date.UTC(2020, 0, 1);

/** A page that has the key already. */
async function opened(browser, { origin, key }, hash, options) {
  const page = await newPage(browser, options);
  await page.addInitScript((known) => localStorage.setItem("recap.key", known), key);
  await page.goto(`${origin}/${hash}`);
  return page;
}

const live = (page) => eventually("live", async () => /live/.test(await page.innerText(".live")));

export const real = [
  ["the printed link opens the dashboard, without the key in the address", async ({ browser, recap }) => {
    const page = await newPage(browser);
    await page.goto(recap.link);
    await page.locator("h1:visible").first().waitFor();
    assert.ok(!page.url().includes("rk_"), page.url());
    assert.ok((await page.innerText(".caller")).includes(recap.key.slice(-4)));
    return page;
  }],
  ["it is painted soon, and is small", async ({ browser, recap }) => {
    const painted = [];
    for (let round = 0; round < 5; round += 1) {
      const page = await opened(browser, recap, "#/");
      await eventually("a paint", () => page.evaluate(() => performance.getEntriesByName("first-contentful-paint").length));
      painted.push(await page.evaluate(() => performance.getEntriesByType("paint").map((one) => Math.round(one.startTime)).join("/")));
      if (round === 0) {
        const size = await page.evaluate(() =>
          [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .filter((one) => !one.name.includes("/chats"))
            .reduce((sum, one) => sum + one.encodedBodySize, 0),
        );
        console.log(`    ${(size / 1024).toFixed(1)} KiB compressed`);
        assert.ok(size > 10_000 && size <= 150 * 1024, `${size} bytes`);
      }
      await page.context().close();
    }
    // How fast it is here is told, and decides nothing: the machine does other work.
    console.log(`    first paint/with content: ${painted.join(", ")} ms`);
  }],
  ["the list is in live order", async ({ browser, recap, api }) => {
    const say = (id, content) => api("/chats", { conversation_id: id, user_id: "ann", messages: [{ content }] });
    await say("order-one", "First.");
    await say("order-two", "Second.");
    const page = await opened(browser, recap, "#/");
    const first = () => page.locator(".rows [data-row]").first().getAttribute("data-row");
    await eventually("the newest first", async () => (await first()) === "order-two");
    await say("order-one", "Third.");
    await eventually("it moves up by itself", async () => (await first()) === "order-one", 30_000);
    assert.match(await page.locator('[data-row="order-one"] .row-last').innerText(), /Third\./);
    return page;
  }],
  ["ten thousand characters are folded, unfold, and keep the page in its width", async ({ browser, recap, api }) => {
    const content = `${"wörter und mehr ".repeat(400)}${"x".repeat(3_600)}`;
    assert.equal([...content].length, 10_000);
    await api("/chats", { conversation_id: "long-one", user_id: "ann", messages: [{ content }] });
    const page = await opened(browser, recap, conversation("long-one"), { viewport: { width: 390, height: 844 } });
    await page.getByRole("button", { name: "Show all 10,000 characters" }).click();
    assert.equal((await page.locator(".content").first().textContent()).length, content.length);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0);
    await axe(page, "long message");
    return page;
  }],
  ["killed and started again in the middle: the page comes back by itself and goes on", async ({ browser, recap, api }) => {
    const id = "restart";
    const say = (content) => api("/chats", { conversation_id: id, user_id: "ann", messages: [{ content }] });
    await say("Before the crash we decided to wait for Ben.");
    const page = await opened(browser, recap, conversation(id));
    await live(page);
    await page.keyboard.press("s");
    await page.locator(".summary-text").waitFor();
    const version = await page.innerText(".version");
    const sockets = [];
    page.on("websocket", (socket) => sockets.push(socket.url()));
    await recap.kill();
    await eventually("reconnecting", async () => /reconnecting/.test(await page.innerText(".live")));
    assert.deepEqual(await seqs(page), [1], "what was read stays");
    await page.screenshot({ path: `${shots}/restart-down.png` });
    await recap.start();
    await eventually("live again", async () => /live/.test(await page.innerText(".live")), 60_000);
    assert.equal(await page.innerText(".version"), version, "nothing was made anew");
    assert.equal(new URL(sockets.at(-1)).searchParams.get("since_version"), version.slice(1), "asked for what is newer only");
    await say("After it I will write the report by Friday.");
    await eventually("the new message", async () => (await seqs(page)).length === 2, 30_000);
    await eventually("a newer version", async () => (await page.innerText(".version")) !== version, 60_000);
    return page;
  }],
  [`${LONG.toLocaleString("en")} messages: posted in bodies of ${BODY}, any place at once, memory does not grow`, async ({ browser, recap, api }) => {
    const id = "endless";
    const started = Date.now();
    const words = "we looked at the numbers again and they hold so the next step is clear to everyone here";
    const body = (from) => ({
      conversation_id: id,
      messages: Array.from({ length: Math.min(BODY, LONG - from) }, (_, index) => ({
        user_id: ["nadia", "oscar", "wen"][(from + index) % 3],
        content: `Message ${from + index + 1}: ${words.slice(0, 20 + ((from + index) * 37) % 67)}`,
        timestamp: new Date(BEGIN + (from + index) * 60_000).toISOString(),
      })),
    });
    for (let from = 0; from < LONG; from += BODY) await api("/chats", body(from));
    console.log(`    posted in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    const page = await opened(browser, recap, conversation(id));
    await eventually("the newest", async () => (await seqs(page)).at(-1) === LONG);
    await scrollOn(page, -1, 6);
    await contiguous(page);
    const early = await held(page);
    await frames(page);
    await scrollOn(page, -1, 20);
    const up = await contiguous(page);
    await scrollOn(page, 1, 10);
    const down = await contiguous(page);
    assert.ok(down.at(-1) > up.at(-1) + 500, `${up.at(-1)} -> ${down.at(-1)}`);
    await page.focus(".rail");
    for (const [press, check] of [["Home", (all) => all[0] === 1], ["End", (all) => all.at(-1) === LONG]]) {
      await page.keyboard.press(press);
      await eventually(press, async () => check(await contiguous(page)));
    }
    for (const seq of [1, LONG / 2, 777, LONG - 5, LONG / 4]) {
      await page.goto(`${recap.origin}/${conversation(id, `?at=${seq}`)}`);
      const row = page.locator(`[data-seq="${seq}"]`);
      await row.waitFor();
      assert.equal(await row.getAttribute("aria-posinset"), String(seq), "its place is known");
      await contiguous(page);
    }
    await scrollOn(page, -1, 5);
    await scrollOn(page, 1, 10);
    await contiguous(page);
    notGrown(early, await held(page));
    await page.screenshot({ path: `${shots}/endless.png` });
    return page;
  }],
  ["evidence among many late messages is found at its place, and marked", async ({ browser, recap, api }) => {
    const id = "late-evidence";
    // Each third message comes 700 minutes after those around it.
    const minute = (at) => (at % 3 === 2 ? Math.max(0, at - 700) : at);
    const said = { 20: "Nadia here: I will send the contract to the lawyers by Friday.", 1001: "I'll book the hall for the jubilee by Monday." };
    const all = Array.from({ length: 1500 }, (_, at) => ({
      user_id: ["nadia", "oscar"][at % 2],
      content: said[at] ?? `Note ${at} about the weather.`,
      timestamp: new Date(BEGIN + minute(at) * 60_000).toISOString(),
    }));
    for (let from = 0; from < all.length; from += 500) await api("/chats", { conversation_id: id, messages: all.slice(from, from + 500) });
    const order = all.map((_, at) => at).sort((a, b) => minute(a) - minute(b) || a - b);
    const place = (seq) => order.indexOf(seq - 1) + 1;
    const page = await opened(browser, recap, conversation(id));
    await eventually("the newest", async () => (await seqs(page)).at(-1) === order.at(-1) + 1);
    await page.getByRole("button", { name: "Summarize" }).click();
    await page.locator(".provenance", { hasText: "Covers all 1,500 messages" }).waitFor({ timeout: 60_000 });
    const landed = async (seq) => {
      const row = page.locator(`[data-seq="${seq}"].marked`);
      await row.waitFor();
      await eventually(`${seq} is on the screen`, () => row.evaluate((one) => {
        const [{ top, bottom }, box] = [one.getBoundingClientRect(), one.closest(".scroller").getBoundingClientRect()];
        return top >= box.top && bottom <= box.bottom;
      }));
      assert.equal(Number(await row.getAttribute("aria-posinset")), place(seq), `the place of ${seq}`);
      const shown = (await seqs(page)).map(place);
      assert.ok(shown.every((one, at) => at === 0 || one === shown[at - 1] + 1), `no hole around ${seq}`);
    };
    for (const at of Object.keys(said).map(Number)) {
      const item = page.locator("section[aria-labelledby=h-todo] .item").getByRole("button", { name: `Show message ${at + 1}`, exact: true });
      await item.click();
      await landed(at + 1);
    }
    await page.screenshot({ path: `${shots}/late-evidence.png` });
    // Both ways on from there.
    for (const by of [-1, 1]) await scrollOn(page, by, 2);
    const shown = (await seqs(page)).map(place);
    assert.ok(shown.every((one, at) => at === 0 || one === shown[at - 1] + 1), "no hole after scrolling on");
    for (const seq of [1, 3, 900, 1002, 1500]) {
      await page.goto(`${recap.origin}/${conversation(id, `?at=${seq}`)}`);
      await landed(seq);
    }
    return page;
  }],
  ["the JavaScript client of the WebSocket guide listens to the end", async ({ browser, recap, origin, api }) => {
    const guide = readFileSync(new URL("../../../docs/websocket.md", import.meta.url), "utf8");
    const client = /```js\n([\s\S]*?)```/.exec(guide)[1];
    assert.ok(client.split("\n").filter((line) => line.trim()).length <= 20 + 1, "twenty lines and the call");
    const page = await newPage(browser);
    const printed = [];
    page.on("console", (line) => line.type() === "log" && printed.push(line.text()));
    // Keyless and of this origin: what a page of one's own would be.
    await page.goto(`${origin}/docs`);
    const script = client.replace("localhost:8000", recap.address).replace('"team-sync"', '"listened"');
    await page.evaluate(`(() => { ${script} })()`);
    await api("/chats", { conversation_id: "listened", user_id: "ann", messages: [{ content: "I will call the plumber tomorrow." }] });
    await api("/chats/summarize", { conversation_id: "listened" });
    await eventually("a version is printed", async () => printed.some((line) => /^v\d+: /.test(line)), 30_000);
    await api("/chats/listened/end", {});
    return page;
  }],
  ["the page at /docs tries the API, offline, in light and dark, and is clean", async ({ browser, recap, origin }) => {
    for (const colorScheme of ["light", "dark"]) {
      const page = await newPage(browser, { colorScheme });
      const foreign = [];
      page.on("request", (request) => !request.url().startsWith(origin) && foreign.push(request.url()));
      await page.goto(`${origin}/docs`);
      await page.locator("h1").first().waitFor();
      await page.waitForLoadState("networkidle");
      await axe(page, `docs ${colorScheme}`);
      await page.screenshot({ path: `${shots}/docs-${colorScheme}.png` });
      await page.setViewportSize({ width: 390, height: 844 });
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, "too wide");
      assert.deepEqual(foreign, []);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    }
    const page = await newPage(browser);
    await page.goto(`${origin}/docs`);
    await page.goto(`${origin}/docs#postChats`);
    await page.fill("#key", recap.key);
    const post = page.locator("#postChats");
    await post.getByRole("button", { name: "Send" }).click();
    await post.locator(".status.good", { hasText: "200" }).first().waitFor();
    assert.match(await post.innerText(), /"conversation_id": "meeting_123"/);
    assert.ok(!(await post.innerText()).includes(recap.key), "the key is not shown in the curl line");
    const socket = page.locator("details.operation", { hasText: "/ws/summarize" });
    await socket.locator("summary").first().click();
    await socket.locator("[id='ws-conversation_id']").fill("meeting_123");
    await socket.getByRole("button", { name: "Connect" }).click();
    await eventually("a frame", async () => /"type"/.test(await socket.locator(".frames").innerText()), 30_000);
    await axe(page, "docs, tried");
    return page;
  }],
];

/** On a server of its own, beside the rest: a minute passes before the caller may go on. */
export const limits = [
  ["the real limit of a caller without a key is told, and passes by itself", async ({ browser, recap, api }) => {
    await api("/chats", { conversation_id: "limits", user_id: "ann", messages: [{ content: "Hello." }] });
    const page = await newPage(browser);
    await page.goto(`${recap.origin}/`);
    // All that an anonymous caller may ask in a minute, at once.
    await page.evaluate(async () => {
      for (let left = 20; left > 0 && (await fetch("/chats?limit=1")).status !== 429; left -= 1);
    });
    await page.goto(`${recap.origin}/${conversation("limits")}`);
    await page.getByText("A short pause.").waitFor();
    await axe(page, "limited");
    await page.screenshot({ path: `${shots}/limited-real.png` });
    await eventually("it goes on by itself", async () => (await seqs(page)).length === 1, 90_000);
    return page;
  }],
];

/** Where the model that is set does not answer, and nothing is summarized unasked. */
export const MODEL_AWAY = {
  OPENAI_BASE_URL: "http://127.0.0.1:9/v1",
  OPENAI_MODEL: "away",
  SUMMARY_EVERY: "1000000",
  SUMMARY_IDLE: "1h",
};
export const honest = [
  ["a summary of the fallback engine and messages it leaves out are told as such", async ({ browser, recap, api }) => {
    const id = "honest";
    const say = (content) => api("/chats", { conversation_id: id, user_id: "ann", messages: [{ content }] });
    await say("I will call the plumber by Friday.");
    const page = await opened(browser, recap, conversation(id));
    await live(page);
    await page.getByRole("button", { name: "Summarize" }).click();
    const provenance = page.locator(".provenance");
    await provenance.getByText("fallback engine").waitFor({ timeout: 60_000 });
    assert.match(await provenance.innerText(), /Covers all 1 message/);
    await provenance.locator("summary").click();
    assert.match(await provenance.innerText(), /local, because the chosen model did not answer/);
    await say("And the painter on Monday.");
    await eventually("what is left out is counted", async () => /Covers 1 message.*1 newer left out/s.test(await provenance.innerText()), 30_000);
    await page.locator(`[data-row="${id}"]`, { hasText: "1 behind" }).waitFor();
    await axe(page, "degraded and stale");
    await page.screenshot({ path: `${shots}/honest-recap.png` });
    return page;
  }],
];
