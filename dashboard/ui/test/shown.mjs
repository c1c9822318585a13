// That each state is told as what it is: loading, empty, wrong. Answers are held back or replaced on their way.
import assert from "node:assert/strict";
import { axe, conversation, eventually, fits, newPage, seqs, shots } from "./harness.mjs";

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };

/** In light and dark, on a desk and a phone (which shows one pane); clean, and not too wide. */
export async function look(page, name, pane) {
  for (const [size, viewport] of Object.entries({ phone: PHONE, desk: DESK })) {
    await page.setViewportSize(viewport);
    if (size === "phone" && pane) await page.locator(".switch button", { hasText: pane }).click();
    for (const colorScheme of ["dark", "light"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${shots}/state-${name}-${size}-${colorScheme}.png` });
    }
    await fits(page, `${name} on a ${size}`);
  }
  await axe(page, name);
}

/** Holds back what the page asks for and matches; answers how to let it go. */
async function held(page, what) {
  const waiting = [];
  let free = false;
  await page.route(what, (route) => (free ? route.continue() : void waiting.push(route)));
  return {
    asked: () => waiting.length,
    release: async () => {
      free = true;
      await Promise.all(waiting.splice(0).map((route) => route.continue()));
    },
  };
}

const chats = (url) => url.pathname === "/chats";
const messages = (id) => (url) => decodeURIComponent(url.pathname) === `/chats/${id}`;
const history = (url) => url.pathname.startsWith("/users/");
const versions = (url) => url.pathname.endsWith("/summaries");
const skeletons = (page, where) => page.locator(`${where} .skeleton[role=status][aria-label=Loading]`);

/** Refuses, in the form of every refusal of the API, until it is told to let pass; counts what it refused. */
async function refusing(page, what, words) {
  const state = { on: true, refused: 0 };
  await page.route(what, (route) => {
    if (!state.on) return route.continue();
    state.refused += 1;
    const detail = { error: words, code: "internal", timestamp: new Date().toISOString() };
    return route.fulfill({ status: 500, headers: { "content-type": "application/json", "x-request-id": "req_quoted" }, body: JSON.stringify({ detail }) });
  });
  return state;
}

export const shown = [
  ["loading is told in each pane while a slow server thinks, and gives way to what comes", async ({ browser, origin }) => {
    const page = await newPage(browser);
    // A socket that opens and says nothing yet: the summary is not known either.
    await page.routeWebSocket(/ws\/summarize/, () => {});
    const list = await held(page, chats);
    const talk = await held(page, messages("team-sync"));
    await page.goto(`${origin}/${conversation("team-sync")}`);
    for (const where of [".list-pane", ".talk-pane", ".summary-pane"]) await skeletons(page, where).waitFor();
    await look(page, "loading");
    assert.equal(await page.getByRole("button", { name: "Summarize" }).isDisabled(), true, "nothing to summarize yet");
    await eventually("the list was asked for", () => list.asked() > 0);
    await list.release();
    await page.locator('[data-row="team-sync"]').waitFor();
    assert.match(await page.innerText(".talk-head"), /15 messages/, "the list knows how many there will be");
    await skeletons(page, ".talk-pane").waitFor();
    await look(page, "loading-messages");
    await eventually("the messages were asked for", () => talk.asked() > 0);
    await talk.release();
    await eventually("messages", async () => (await seqs(page)).length === 15);
    assert.equal(await skeletons(page, ".list-pane").or(skeletons(page, ".talk-pane")).count(), 0);
    return page;
  }],
  ["a history and its versions are told as loading too", async ({ browser, origin }) => {
    const page = await newPage(browser);
    for (const [what, where, hash, there] of [
      [history, ".user-pane", "#/u/Anna", ".history .row"],
      [versions, ".summary-pane", conversation("team-sync", "?tab=changes"), ".compare select"],
    ]) {
      const slow = await held(page, what);
      await page.goto(`${origin}/${hash}`);
      await skeletons(page, where).waitFor();
      await eventually("it was asked for", () => slow.asked() > 0);
      await slow.release();
      await page.locator(there).first().waitFor();
      assert.equal(await skeletons(page, where).count(), 0);
    }
    return page;
  }],
  ["an error is told in the server's words, with what to quote and a way to try again", async ({ browser, origin }) => {
    const page = await newPage(browser);
    const words = "The store does not answer.";
    const failing = {
      list: await refusing(page, chats, words),
      talk: await refusing(page, messages("team-sync"), words),
      history: await refusing(page, history, words),
      versions: await refusing(page, versions, words),
    };
    await page.goto(`${origin}/#/`);
    const main = page.getByRole("main");
    await main.getByText("The conversations cannot be shown").waitFor();
    assert.match(await main.innerText(), /The store does not answer\.\s+Request req_quoted/);
    await look(page, "error-list");
    failing.list.on = false;
    await main.getByRole("button", { name: "Try again" }).click();
    await page.locator('[data-row="team-sync"]').click();

    await main.getByText("This conversation cannot be shown").waitFor();
    await main.getByText("req_quoted").waitFor();
    await look(page, "error-conversation");
    failing.talk.on = false;
    await main.getByRole("button", { name: "Try again" }).click();
    await eventually("messages", async () => (await seqs(page)).length === 15);

    await page.getByRole("tab", { name: "Changes" }).click();
    const summary = page.locator(".summary-pane");
    await summary.getByText(words).waitFor();
    failing.versions.on = false;
    await summary.getByRole("button", { name: "Try again" }).click();
    await summary.locator(".compare select").first().waitFor();

    await page.goto(`${origin}/#/u/Anna`);
    await main.getByText("This history cannot be shown").waitFor();
    await look(page, "error-history");
    failing.history.on = false;
    await main.getByRole("button", { name: "Try again" }).click();
    await page.locator(".history .row").first().waitFor();
    for (const [what, { refused }] of Object.entries(failing)) assert.ok(refused > 0, what);
    return page;
  }],
  ["a list that cannot be renewed says so and keeps what it had", async ({ browser, origin }) => {
    const page = await newPage(browser);
    await page.goto(`${origin}/#key=rk_test_0123456789abcdef`);
    await page.locator('[data-row="team-sync"]').waitFor();
    const failing = await refusing(page, chats, "The store does not answer.");
    await page.locator(".list-pane").getByText("The store does not answer.").waitFor();
    assert.equal(await page.locator('[data-row="team-sync"]').count(), 1);
    failing.on = false;
    await page.locator(".list-pane").getByText("The store does not answer.").waitFor({ state: "detached" });
    return page;
  }],
  ["what is empty says what it is, and what to do", async ({ browser, origin, steer }) => {
    const page = await newPage(browser);
    await page.goto(`${origin}/#/u/nobody-yet`);
    await page.getByText("has not posted in any conversation").waitFor();
    await look(page, "empty-history");
    await page.goto(`${origin}/${conversation("hiring-backend")}`);
    await page.getByText("Not summarized yet.").waitFor();
    await page.locator('[data-row="hiring-backend"]', { hasText: "not summarized" }).waitFor();
    await look(page, "empty-summary", "Summary");
    await page.getByRole("tab", { name: "Changes" }).click();
    await page.getByText("No version yet").waitFor();
    await page.getByRole("tab", { name: "Brief" }).click();
    await page.getByRole("button", { name: "Summarize" }).click();
    await eventually("the first version", async () => /Covers all 2 messages/.test(await page.innerText(".provenance")));
    await steer("reset", { empty: true });
    await page.goto(`${origin}/#/`);
    await page.reload();
    await page.getByText("No conversations yet.").waitFor();
    await page.getByRole("button", { name: "Load the sample" }).waitFor();
    return page;
  }],
  ["stale is told in the list and in the summary, and one press mends it", async ({ browser, origin }) => {
    const page = await newPage(browser);
    await page.goto(`${origin}/${conversation("design-crit")}`);
    await page.locator('[data-row="design-crit"]', { hasText: "14 behind" }).waitFor();
    const provenance = page.locator(".provenance");
    await eventually("it is told", async () => /Covers 4 messages\s*·?\s*14 newer left out/.test(await provenance.innerText()));
    await look(page, "stale", "Summary");
    const button = page.getByRole("button", { name: "Summarize" });
    assert.match(await button.getAttribute("class"), /primary/, "it is what to do next");
    await button.click();
    await eventually("all are covered", async () => /Covers all 18 messages/.test(await provenance.innerText()));
    await page.locator('[data-row="design-crit"]', { hasText: "behind" }).waitFor({ state: "detached" });
    assert.doesNotMatch(await button.getAttribute("class"), /primary/);
    return page;
  }],
  ["degraded is told in the summary, with the reason, and passes with the next version", async ({ browser, origin, steer }) => {
    const page = await newPage(browser);
    await page.goto(`${origin}/${conversation("incident-2291")}`);
    const provenance = page.locator(".provenance");
    await provenance.getByText("fallback engine").waitFor();
    await look(page, "degraded", "Summary");
    await provenance.locator("summary").click();
    await provenance.getByText("because the chosen model did not answer").waitFor();
    await page.screenshot({ path: `${shots}/state-degraded-why.png` });
    await axe(page, "why it is degraded");
    await steer("summarize", { conversation_id: "incident-2291", text: "Ravi raised the limit." });
    await page.locator(".summary-text", { hasText: "Ravi raised the limit." }).waitFor();
    assert.equal(await provenance.getByText("fallback engine").count(), 0);
    return page;
  }],
];
