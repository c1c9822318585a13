// What the browser tests share: a browser, pages that report every fault, waits with a limit, axe.
import assert from "node:assert/strict";
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
/** Where pictures of each step are left; not part of the repository. */
export const shots = process.env.SCREENSHOTS ?? join(here, "shots");
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Lines that a browser writes by itself when a request is refused on purpose. */
const EXPECTED = /Failed to load resource|WebSocket connection to|ERR_(CONNECTION|EMPTY)/;
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--js-flags=--expose-gc",
];

export async function launch() {
  mkdirSync(shots, { recursive: true });
  return chromium.launch({ executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium", args: FLAGS });
}

/** A fresh profile; faults of the page are collected and fail the case. */
export async function newPage(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(`${error.message}\n${error.stack}`));
  page.on("console", (line) => {
    if (line.type() === "error" && !EXPECTED.test(line.text())) page.faults.push(line.text());
  });
  return page;
}

export async function eventually(what, check, limit = 15_000) {
  const until = Date.now() + limit;
  let last;
  for (;;) {
    try {
      last = await check();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > until) throw new Error(`not within ${limit} ms: ${what} (last: ${last})`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** All rules of axe; the policy of the page forbids injected script elements, so the source is evaluated. */
export async function axe(page, where) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ["violations"], rules: { "color-contrast-enhanced": { enabled: false } } }),
  );
  if (found.violations.length === 0) return;
  const lines = found.violations.map((one) => {
    const nodes = one.nodes.slice(0, 4).map((node) => `    ${node.html.slice(0, 160)}\n      ${node.failureSummary}`);
    return `  ${one.id}: ${one.help}\n${nodes.join("\n")}`;
  });
  throw new Error(`axe in ${where}:\n${lines.join("\n")}`);
}

/** That nothing is wider than the screen, and that nothing to press or fill in is cut by its edge. */
export async function fits(page, where) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${where} is ${wide} px too wide`);
  const cut = await page.$$eval("button, a, input, select", (all) =>
    all
      .filter((one) => one.checkVisibility({ visibilityProperty: true }))
      .filter((one) => {
        const { left, right } = one.getBoundingClientRect();
        return (left < innerWidth && right > innerWidth + 1) || (left < -1 && right > 0);
      })
      .map((one) => one.outerHTML.slice(0, 120)),
  );
  assert.deepEqual(cut, [], `cut by the edge in ${where}`);
}

/** What the page holds after a collection: MiB of script, nodes of the document (also such as are shown no more). */
export async function held(page) {
  const heap = await page.evaluate(() => {
    globalThis.gc();
    return performance.memory.usedJSHeapSize / 2 ** 20;
  });
  const protocol = await page.context().newCDPSession(page);
  const { nodes, jsEventListeners: listeners } = await protocol.send("Memory.getDOMCounters");
  await protocol.detach();
  return { heap, nodes, listeners };
}

/** That it holds no more than before, but for what a page more or less makes. */
export function notGrown(early, late) {
  const told = (one) => `${one.heap.toFixed(1)} MiB, ${one.nodes} nodes, ${one.listeners} listeners`;
  console.log(`    after a few pages ${told(early)}; after 50 more ${told(late)}`);
  assert.ok(late.heap < early.heap * 1.5 + 4, "heap");
  assert.ok(late.nodes < early.nodes * 1.5 + 1000, "nodes");
  assert.ok(late.listeners < early.listeners * 1.5 + 200, "listeners");
}

/** Scrolls to the edge, waits until more is there, and again. */
export async function scrollOn(page, by, rounds) {
  for (let round = 0; round < rounds; round += 1) {
    const edge = (await seqs(page)).at(by > 0 ? -1 : 0);
    await page.$eval(".scroller", (box, down) => (box.scrollTop = down > 0 ? box.scrollHeight : 0), by);
    await eventually("more is loaded", async () => (await seqs(page)).at(by > 0 ? -1 : 0) !== edge);
  }
}

/** Milliseconds between frames while the messages move by a little in each; told, not judged. */
export async function frames(page) {
  const gaps = await page.$eval(".scroller", (box) => new Promise((done) => {
    const gaps = [];
    let last = null;
    const step = (now) => {
      if (last !== null) gaps.push(now - last);
      last = now;
      box.scrollTop -= 40;
      if (gaps.length < 120) requestAnimationFrame(step);
      else done(gaps.sort((a, b) => a - b));
    };
    requestAnimationFrame(step);
  }));
  console.log(`    frames while scrolling: median ${gaps[60].toFixed(1)} ms, 95th of 100 ${gaps[113].toFixed(1)} ms`);
}

/** The seqs that the page holds: few, and without a hole or a double. */
export async function contiguous(page) {
  const all = await seqs(page);
  assert.ok(all.length <= 400, `${all.length} rows`);
  assert.ok(all.every((seq, index) => index === 0 || seq === all[index - 1] + 1), "no hole, no double");
  return all;
}

export const conversation = (id, query = "") => `#/c/${encodeURIComponent(id)}${query}`;
export const seqs = (page) =>
  page.$$eval("[data-seq]", (rows) => rows.map((row) => Number(row.getAttribute("data-seq"))));
