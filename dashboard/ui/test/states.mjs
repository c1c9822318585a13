// States that only a steered server shows: limits, outages, a million messages. Against the double.
import assert from "node:assert/strict";
import { exec } from "node:child_process";
import { promisify } from "node:util";
import { axe, contiguous, conversation, eventually, fits, held, newPage, notGrown, scrollOn, seqs, shots } from "./harness.mjs";

const shell = promisify(exec);

async function opened(browser, origin, hash, options) {
  const page = await newPage(browser, options);
  await page.goto(`${origin}/${hash}`);
  return page;
}

export const states = [
  ["each view is clean in light and dark, desk, tablet and phone", async ({ browser, origin }) => {
    const sizes = { desk: [1440, 900], tablet: [900, 1100], phone: [390, 844] };
    const views = { home: "#/", team: conversation("team-sync"), rtl: conversation("اجتماع الفريق"), million: conversation("archive-million"), user: "#/u/Anna" };
    for (const colorScheme of ["light", "dark"]) {
      for (const [size, [width, height]] of Object.entries(sizes)) {
        const page = await newPage(browser, { colorScheme, viewport: { width, height }, hasTouch: size === "phone" });
        for (const [view, hash] of Object.entries(views)) {
          // Between desk and phone one view tells it.
          if (size === "tablet" && view !== "team") continue;
          await page.goto(`${origin}/${hash}`);
          await page.reload();
          await page.locator("h1:visible, .rows .row:visible").first().waitFor();
          if (hash.startsWith("#/c/")) await eventually("messages", async () => (await seqs(page)).length > 0);
          if (view === "rtl") {
            const turned = await page.$$eval(".content", (all) => all.map((one) => getComputedStyle(one).direction));
            assert.deepEqual([turned[0], turned.at(-1)], ["rtl", "ltr"], "each text in its own direction");
          }
          const name = `${view}-${size}-${colorScheme}`;
          await page.screenshot({ path: `${shots}/${name}.png` });
          await axe(page, name);
          await fits(page, name);
          if (size === "phone" && view === "team") {
            await page.locator(".switch button", { hasText: "Summary" }).click();
            await page.screenshot({ path: `${shots}/summary-${name}.png` });
            await axe(page, `summary of ${name}`);
          }
          assert.deepEqual(page.faults, []);
        }
        await page.context().close();
      }
    }
  }],
  ["the key goes as a header and as a subprotocol, never in a URL", async ({ browser, origin, steer }) => {
    const page = await opened(browser, origin, "#key=rk_test_0123456789abcdef");
    await page.goto(`${origin}/${conversation("team-sync")}`);
    await eventually("live", async () => /live/.test(await page.innerText(".live")));
    const { requests, protocol } = await steer("look");
    assert.equal(protocol.replaceAll(" ", ""), "recap,recap.key.rk_test_0123456789abcdef");
    assert.ok(!requests.some((line) => line.includes("rk_")), requests.join("\n"));
    assert.ok(!page.url().includes("rk_"));
    assert.ok(!(await page.evaluate(() => JSON.stringify(history.state) + location.href)).includes("rk_"));
  }],
  ["the keyboard alone is enough", async ({ browser, origin }) => {
    const page = await opened(browser, origin, conversation("team-sync"));
    await page.locator(".summary-text").waitFor();
    const focused = (what) => eventually(`the focus on ${what}`, () => page.evaluate((one) => document.activeElement?.matches(one), what));
    await page.keyboard.press("Tab");
    await focused(".skip");
    await page.keyboard.press("Enter");
    await focused(".scroller");
    for (const [press, pane] of [["[", ".list-pane"], ["]", ".summary-pane"]]) {
      await page.keyboard.press(press);
      await page.locator(pane).waitFor({ state: "hidden" });
      await page.keyboard.press(press);
      await page.locator(pane).waitFor();
    }
    // All that can be clicked is reached, in the order in which it is read, and seen to have the focus.
    const reached = [];
    for (let step = 0; step < 120; step += 1) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const one = document.activeElement;
        if (!one || one === document.body) return null;
        const { outlineStyle, outlineWidth } = getComputedStyle(one);
        return { name: one.getAttribute("aria-label") ?? one.id ?? "", role: one.getAttribute("role"), text: one.textContent?.slice(0, 30), seen: outlineStyle !== "none" && outlineWidth !== "0px" };
      });
      if (!at) break;
      assert.ok(at.seen, `no outline on ${JSON.stringify(at)}`);
      reached.push(`${at.role ?? ""} ${at.name} ${at.text}`);
    }
    for (const wanted of [/Summarize/, /tab tab-brief/, /Show message/, /History|Anna/]) assert.ok(reached.some((one) => wanted.test(one)), `${wanted} in ${reached.join("\n")}`);
    await page.focus("#tab-brief");
    await page.keyboard.press("ArrowRight");
    await focused("#tab-detailed");
    await page.keyboard.press("j");
    await eventually("the next conversation", async () => !page.url().includes("team-sync"));
    return page;
  }],
  ["an anonymous visit is frugal", async ({ browser, origin, steer }) => {
    const page = await opened(browser, origin, conversation("team-sync"));
    await page.locator(".summary-text").waitFor();
    await eventually("messages", async () => (await seqs(page)).length === 15);
    const { requests } = await steer("look");
    assert.ok(requests.length <= 3, requests.join("\n"));
  }],
  ["a rate limit is told with the time left, and passes by itself", async ({ browser, origin, steer }) => {
    const page = await opened(browser, origin, conversation("team-sync"));
    await page.locator(".summary-text").waitFor();
    await steer("mode", { limit: 4, retry: 4 });
    await steer("mode", { left: 0 });
    await page.locator('[data-row="design-crit"]').click();
    await page.getByText("A short pause.").waitFor();
    await page.screenshot({ path: `${shots}/limited.png` });
    await axe(page, "rate limited");
    await eventually("it goes on", async () => (await seqs(page)).length === 18);
    await page.getByText("A short pause.").waitFor({ state: "detached" });
  }],
  ["an outage is survived: what was read stays, the socket resumes by version", async ({ browser, origin, steer }) => {
    const page = await opened(browser, origin, conversation("team-sync"));
    await page.locator(".summary-text").waitFor();
    await steer("mode", { down: true });
    await steer("drop");
    await eventually("reconnecting", async () => /reconnecting/.test(await page.innerText(".live")));
    assert.equal((await seqs(page)).length, 15);
    await page.locator('[data-row="design-crit"]').click();
    await page.getByText("Recap is out of reach.").waitFor();
    await axe(page, "offline");
    await page.screenshot({ path: `${shots}/offline.png` });
    await page.goBack();
    await steer("mode", { down: false });
    await page.getByRole("button", { name: "Try now" }).click();
    await eventually("live again", async () => /live/.test(await page.innerText(".live")));
    await eventually("messages again", async () => (await seqs(page)).length === 15);
    await steer("drop");
    await eventually("asked by version", async () => (await steer("look")).requests.some((line) => /^WS .*since_version=3/.test(line)));
    await steer("summarize", { conversation_id: "team-sync", text: "Everything is settled now." });
    await eventually("the newer version", async () => /Everything is settled now/.test(await page.innerText(".summary-text")));
    assert.equal(await page.locator(".fresh-sentence").count(), 1);
  }],
  ["a text still being written is shown, and replaced by the version", async ({ browser, origin, steer }) => {
    const page = await opened(browser, origin, conversation("team-sync"));
    await page.locator(".summary-text").waitFor();
    await steer("partial", { conversation_id: "team-sync", text: "Anna asks whether" });
    await page.locator(".summary-text.writing", { hasText: "Anna asks whether" }).waitFor();
    await steer("summarize", { conversation_id: "team-sync", text: "Anna asks. Ben answers." });
    await page.locator(".summary-text:not(.writing)", { hasText: "Ben answers." }).waitFor();
    await page.getByRole("tab", { name: "Changes" }).click();
    await page.locator(".diff ins, .diff del").first().waitFor();
  }],
  ["a refused key says so and can be changed", async ({ browser, origin, steer }) => {
    await steer("mode", { refuse: true });
    const page = await opened(browser, origin, "#key=rk_unknown_000000");
    await page.getByText("This key opens nothing here").waitFor();
    await axe(page, "refused");
    await steer("mode", { refuse: false });
    await page.getByRole("main").getByRole("button", { name: "Use another key" }).click();
    await axe(page, "key dialog");
    await page.getByRole("dialog").getByLabel("Use another key").fill("rk_good_1234567890");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.locator(".rows .row").first().waitFor();
  }],
  ["a long message is folded and unfolds", async ({ browser, origin }) => {
    const page = await opened(browser, origin, conversation("long-message"));
    await page.getByRole("button", { name: /Show all 10,0\d\d characters/ }).click();
    assert.ok((await page.locator(".content").first().innerText()).length > 10_000);
  }],
  ["a million messages: any place at once, contiguous both ways, memory does not grow", async ({ browser, origin }) => {
    const page = await opened(browser, origin, conversation("archive-million"));
    await eventually("the newest", async () => (await seqs(page)).at(-1) === 1_000_000);
    await scrollOn(page, -1, 8);
    await contiguous(page);
    const early = await held(page);
    await scrollOn(page, -1, 30);
    const up = await contiguous(page);
    await scrollOn(page, 1, 12);
    const down = await contiguous(page);
    assert.ok(down.at(-1) > up.at(-1) + 700, `${up.at(-1)} -> ${down.at(-1)}`);
    await page.focus(".rail");
    for (const [press, check] of [["Home", (all) => all[0] === 1], ["End", (all) => all.at(-1) === 1_000_000]]) {
      await page.keyboard.press(press);
      await eventually(press, async () => check(await contiguous(page)));
    }
    const rail = await page.locator(".rail").boundingBox();
    await page.mouse.click(rail.x + rail.width / 2, rail.y + rail.height / 2);
    await eventually("the middle", async () => Math.abs((await contiguous(page))[50] - 500_000) < 3_000);
    notGrown(early, await held(page));
  }],
  ["what is read stays where it is while more is loaded above", async ({ browser, origin, steer }) => {
    const page = await opened(browser, origin, conversation("archive-million"));
    await eventually("the newest", async () => (await seqs(page)).at(-1) === 1_000_000);
    await steer("mode", { delay: 400 });
    await page.$eval(".scroller", (box) => (box.scrollTop = 900));
    const seen = await page.evaluate(() => {
      const box = document.querySelector(".scroller").getBoundingClientRect();
      const row = [...document.querySelectorAll("[data-seq]")].find((one) => one.getBoundingClientRect().top > box.top + 200);
      return { seq: row.dataset.seq, top: row.getBoundingClientRect().top };
    });
    const first = (await seqs(page))[0];
    await eventually("older ones", async () => (await seqs(page))[0] < first);
    const top = await page.$eval(`[data-seq="${seen.seq}"]`, (row) => row.getBoundingClientRect().top);
    assert.ok(Math.abs(top - seen.top) < 2, `${seen.top} -> ${top}`);
  }],
  ["copied lines really work", async ({ browser, origin }) => {
    const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"] });
    const page = await context.newPage();
    await page.goto(`${origin}/${conversation("team-sync")}`);
    await page.getByRole("button", { name: "Use it from a terminal" }).click();
    await page.locator(".terminal-line").first().waitFor();
    for (const copy of await page.getByRole("dialog").getByRole("button", { name: "Copy" }).all()) {
      await copy.click();
      const line = await eventually("a line", () => page.evaluate(() => navigator.clipboard.readText()));
      const { stdout } = await shell(line);
      assert.equal(JSON.parse(stdout).conversation_id, "team-sync");
    }
    await context.close();
  }],
];
