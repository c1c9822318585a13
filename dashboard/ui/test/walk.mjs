// A new user's first ten minutes, with the settings that a new user has: start, open the link, load the sample, post
// from a terminal, watch the summary change, import a chat, export it, stop. Pictures of each step are kept.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { axe, conversation, eventually, fits, newPage, seqs, shots } from "./harness.mjs";

const SKI = `\
12/24/20, 9:05 AM - Messages and calls are end-to-end encrypted. No one outside of this chat can read them.
12/24/20, 9:06 AM - Anna: Who brings the skis on Saturday?
12/24/20, 9:07 AM - Ben: I will bring the skis, and Carla has the sledge.
12/24/20, 9:08 AM - Carla: Yes! And I'll book the hut by Monday.
It has a stove.
12/24/20, 9:11 AM - Anna: Perfect, then we take the early train. Decided.
12/24/20, 9:12 AM - Ben: <Media omitted>
12/24/20, 9:15 AM - Carla: Who pays the deposit?
`;
const SIZES = { desk: [1440, 900], phone: [390, 844] };

/** What is on the screen now: on a desk and a phone, in light and dark. Back to the desk in light. */
async function look(page, name) {
  for (const [size, [width, height]] of Object.entries(SIZES)) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["dark", "light"]) {
      await page.emulateMedia({ colorScheme });
      await page.waitForFunction(() => document.getAnimations().every((one) => one.playState !== "running" || one.effect?.getTiming().iterations === Infinity));
      await page.screenshot({ path: join(shots, `walk-${name}-${size}-${colorScheme}.png`) });
    }
    await fits(page, `${name} on a ${size}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await axe(page, name);
}

const version = async (page) => Number((await page.innerText(".version")).slice(1));
const covers = (page, count) => eventually(`all ${count} are covered`, async () => new RegExp(`Covers all ${count} `).test(await page.innerText(".provenance")), 90_000);

/** The first block of the page about starting that posts. */
function postOfTheGuide(recap) {
  const guide = readFileSync(new URL("../../../docs/getting-started.md", import.meta.url), "utf8");
  return /```bash\n(curl[\s\S]*?)```/.exec(guide)[1].replaceAll("localhost:8000", recap.address);
}

export const walk = [
  ["start: it says where it listens and prints a link", async ({ recap }) => {
    writeFileSync(join(shots, "walk-1-start.txt"), recap.said);
    assert.match(recap.said, /data in \.\/data/);
    assert.match(recap.said, /engine local/);
    assert.ok(recap.link, recap.said);
  }],
  ["open the link: what this is, and what to do first", async ({ browser, recap }) => {
    const page = await newPage(browser);
    await page.goto(recap.link);
    await page.getByRole("button", { name: "Load the sample" }).waitFor();
    await look(page, "2-first-visit");
    return page;
  }],
  ["load the sample: it comes in and is summarized", async ({ page }) => {
    await page.getByRole("button", { name: "Load the sample" }).click();
    await covers(page, 26);
    await eventually("the list has it", async () => (await page.innerText('[data-row="spring-launch"]')).includes("26 messages"));
    assert.ok((await page.locator("section[aria-labelledby=h-todo] .item").count()) >= 3);
    await look(page, "3-sample");
  }],
  ["post by curl, as the guide writes it: the conversation appears by itself and is summarized unasked", async ({ page, recap }) => {
    assert.match(await recap.shell(postOfTheGuide(recap)), /"inserted_count":3/);
    const row = page.locator('[data-row="garden-party"]');
    await row.waitFor({ timeout: 30_000 });
    await look(page, "4-posted");
    await row.click();
    await eventually("three messages", async () => (await seqs(page)).length === 3);
    await covers(page, 3);
    await look(page, "5-summarized");
  }],
  ["watch the summary change, here and in a terminal", async ({ page, recap }) => {
    const before = await version(page);
    const watching = recap.shell("recap watch garden-party --since-version " + before + " --once");
    const line = `curl -sS ${recap.origin}/chats -H 'content-type: application/json' -d '{"conversation_id": "garden-party",
      "user_id": "omar", "messages": [{"content": "My sister lends us her grill. I will fetch it on Friday."}]}'`;
    assert.match(await recap.shell(line), /"status":"success"/);
    await eventually("the message", async () => (await seqs(page)).length === 4, 30_000);
    await look(page, "6-newer-message");
    await covers(page, 4);
    assert.ok((await version(page)) > before);
    await look(page, "7-newer-summary");
    const shown = await watching;
    writeFileSync(join(shots, "walk-7-watch.txt"), shown);
    assert.match(shown, /version \d+ · 4 messages/);
    await page.getByRole("tab", { name: "Changes" }).click();
    await page.locator(".compare select").first().waitFor();
    await look(page, "8-changes");
  }],
  ["import a chat of WhatsApp, and read it", async ({ page, recap }) => {
    writeFileSync(join(recap.data, "WhatsApp Chat with Ski.txt"), SKI);
    const report = await recap.shell("recap import 'WhatsApp Chat with Ski.txt'");
    writeFileSync(join(shots, "walk-9-import.txt"), report);
    assert.match(report, /Imported 5 messages into 1 conversation/);
    const row = page.locator('[data-row="Ski"]');
    await row.waitFor({ timeout: 30_000 });
    await row.click();
    await covers(page, 5);
    await look(page, "9-imported");
  }],
  ["export it, and import that: nothing is doubled", async ({ recap, page }) => {
    const told = await recap.shell("recap export Ski -o ski.jsonl && recap export Ski --format markdown -o ski.md");
    const lines = readFileSync(join(recap.data, "ski.jsonl"), "utf8").trim().split("\n");
    assert.equal(lines.length, 5);
    assert.equal(JSON.parse(lines[1]).user_id, "Ben");
    const again = await recap.shell("recap import ski.jsonl");
    writeFileSync(join(shots, "walk-10-export.txt"), `${told}\n${again}\n${readFileSync(join(recap.data, "ski.md"), "utf8")}`);
    assert.match(again, /Imported 0 messages/);
    await page.goto(`${recap.home}/#/`);
    await page.locator("h1", { hasText: "you were here" }).or(page.locator("h1", { hasText: "Choose" })).first().waitFor();
    await look(page, "10-home");
    await page.goto(`${recap.home}/#/u/Ben`);
    await page.locator(".history .row").first().waitFor();
    await look(page, "11-history");
  }],
  ["stop: it ends well, and the page says so", async ({ page, recap }) => {
    await page.goto(`${recap.home}/${conversation("Ski")}`);
    await eventually("messages", async () => (await seqs(page)).length === 5);
    await covers(page, 5);
    assert.equal(await recap.stop(), 0);
    writeFileSync(join(shots, "walk-12-stop.txt"), recap.said);
    await eventually("reconnecting", async () => /reconnecting/.test(await page.innerText(".live")));
    await page.getByText("Recap is out of reach.").waitFor();
    assert.equal((await seqs(page)).length, 5, "what was read stays");
    await look(page, "12-stopped");
    assert.match(await recap.shell("recap check"), /./);
  }],
];
