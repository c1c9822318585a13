// What a person does with the dashboard, on any server: an empty one, ours or the double's.
import assert from "node:assert/strict";
import { axe, conversation, eventually, newPage, seqs, shots } from "./harness.mjs";

const SAMPLE = "spring-launch";

export const story = [
  ["a first visitor loads the sample and sees it summarized", async ({ browser, origin, key }) => {
    const page = await newPage(browser);
    await page.goto(`${origin}/${key ? `#key=${key}` : ""}`);
    assert.ok(!page.url().includes("key="), "the key left the address bar");
    await page.getByRole("button", { name: "Load the sample" }).waitFor();
    await axe(page, "first visit");
    await page.screenshot({ path: `${shots}/first-visit${key ? "-recap" : ""}.png` });
    await page.getByRole("button", { name: "Load the sample" }).click();
    await eventually("26 messages are shown", async () => (await seqs(page)).length === 26, 40_000);
    await eventually("the summary covers them all", async () => /Covers all 26/.test(await page.innerText(".provenance")), 40_000);
    assert.ok((await page.innerText(".summary-text")).length > 60);
    assert.ok((await page.locator(".item").count()) >= 3, "items were found");
    await axe(page, "sample");
    await page.screenshot({ path: `${shots}/sample${key ? "-recap" : ""}.png` });
    return page;
  }],
  ["an item opens its message, marks it, and the back key returns", async ({ page }) => {
    const seq = page.locator("section[aria-labelledby=h-todo] .seq, section[aria-labelledby=h-decided] .seq").first();
    const wanted = Number((await seq.innerText()).trim());
    const scrolled = () => page.$eval(".scroller", (box) => Math.round(box.scrollTop));
    const before = await scrolled();
    await seq.click();
    const row = page.locator(`[data-seq="${wanted}"]`);
    await eventually("the message is marked", async () => /marked/.test(await row.getAttribute("class")));
    assert.ok(page.url().includes(`at=${wanted}`), page.url());
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("data-seq")), String(wanted));
    await page.goBack();
    await eventually("the place is the old one", async () => Math.abs((await scrolled()) - before) < 40);
    await eventually("the mark goes", async () => !/marked/.test(await row.getAttribute("class")));
  }],
  ["the sentiment says its values and times to who points at it, and a click goes there", async ({ page }) => {
    const plot = page.locator(".trend svg");
    await plot.scrollIntoViewIfNeeded();
    const { width, height } = await plot.boundingBox();
    await plot.hover({ position: { x: 2, y: height / 2 } });
    await page.locator(".trend figcaption", { hasText: /[+−]?\d\.\d\d in message 1, .*\d:\d\d/ }).waitFor();
    await plot.hover({ position: { x: width - 2, y: height / 2 } });
    await page.locator(".trend figcaption", { hasText: "in message 26" }).waitFor();
    await plot.click({ position: { x: 2, y: height / 2 } });
    await eventually("the first message is seen", () => page.locator('[data-seq="1"]').evaluate((row) => {
      const [{ top, bottom }, box] = [row.getBoundingClientRect(), row.closest(".scroller").getBoundingClientRect()];
      return top >= box.top && bottom <= box.bottom;
    }));
    await page.mouse.move(0, 0);
    assert.match(await page.innerText(".trend figcaption"), /click to go there/);
  }],
  ["a cited message points back at its item", async ({ page }) => {
    await page.locator(".cited").first().click();
    await page.locator(".item.marked").waitFor();
  }],
  ["brief, detailed and changes are tabs", async ({ page }) => {
    const brief = await page.innerText(".summary-text");
    await page.getByRole("tab", { name: "Detailed" }).click();
    await eventually("the detailed text", async () => {
      const text = await page.innerText(".summary-text");
      return text !== brief && text.length > brief.length;
    });
    assert.ok(page.url().includes("tab=detailed"));
    await axe(page, "detailed");
    await page.getByRole("tab", { name: "Changes" }).click();
    await page.locator(".compare select").first().waitFor();
    await axe(page, "changes");
    await page.getByRole("tab", { name: "Brief" }).click();
  }],
  ["new messages come in by themselves at the end, and wait behind a count elsewhere", async ({ page, api }) => {
    await page.getByRole("button", { name: /Newest|new$/ }).click().catch(() => {});
    await page.focus(".scroller");
    await page.keyboard.press("End");
    await eventually("at the end", () => page.$eval(".scroller", (box) => box.scrollHeight - box.scrollTop - box.clientHeight < 30));
    const post = (content) =>
      api("/chats", { conversation_id: SAMPLE, user_id: "Jonas", messages: [{ content }] });
    await post("One more thing: I'll book the train by Tuesday.");
    await eventually("it is shown", async () => (await seqs(page)).length === 27);
    await page.$eval(".scroller", (box) => (box.scrollTop = 0));
    await eventually("the pill is there", () => page.locator(".to-newest").isVisible());
    const top = await page.$eval(".scroller", (box) => box.scrollTop);
    await post("And the hotel.");
    await eventually("1 new", async () => /1 new/.test(await page.innerText(".to-newest")));
    assert.equal(await page.$eval(".scroller", (box) => box.scrollTop), top, "nothing jumped");
    await page.locator(".to-newest").click();
    await eventually("it is shown", async () => (await seqs(page)).length === 28);
  }],
  ["keys: summarize, search, next, help", async ({ page }) => {
    await page.keyboard.press("s");
    await eventually("a version that covers all", async () => /Covers all 28/.test(await page.innerText(".provenance")), 30_000);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await axe(page, "keys");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("/");
    await eventually("the search has the focus", () => page.evaluate(() => document.activeElement?.id === "search"));
    await page.keyboard.type("no such thing");
    await page.getByText("No conversation has this in its id.").waitFor();
    await page.fill("#search", "spring");
    await page.locator(`[data-row="${SAMPLE}"]`).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
  }],
  ["a person's history, filtered by date", async ({ page, origin }) => {
    await page.goto(`${origin}/${conversation(SAMPLE)}`);
    await page.locator(".who .person", { hasText: "Maya" }).first().click();
    await page.locator(".history .row").first().waitFor();
    await axe(page, "history");
    await page.screenshot({ path: `${shots}/history.png` });
    await page.locator(".filter input").nth(1).fill("2001-01-01");
    await page.getByText("was in no conversation in these days").waitFor();
    assert.ok(page.url().includes("to=2001-01-01"));
    await page.getByRole("button", { name: "Show any time" }).click();
    await page.locator(".history .row").first().waitFor();
  }],
  ["going to a date", async ({ page, origin }) => {
    await page.goto(`${origin}/${conversation(SAMPLE)}`);
    await page.getByRole("button", { name: "Go to a date" }).click();
    await axe(page, "date");
    await page.fill("input[name=day]", "2002-02-02");
    await page.getByRole("button", { name: "Go", exact: true }).click();
    await eventually("the first message is seen", () => page.locator('[data-seq="1"]').isVisible());
  }],
  ["ending the conversation", async ({ page }) => {
    await page.getByRole("button", { name: "End the conversation" }).click();
    await axe(page, "end");
    await page.getByRole("button", { name: "End it" }).click();
    await eventually("it has ended", async () => /ended/.test(await page.innerText(".live")));
    await page.getByText("The conversation has ended", { exact: true }).waitFor({ state: "attached" });
  }],
  ["a conversation that does not exist yet opens with its first message", async ({ page, origin, api }) => {
    const id = `later-${process.pid}`;
    await page.goto(`${origin}/${conversation(id)}`);
    await page.getByText("No messages here yet").waitFor();
    await axe(page, "missing");
    await eventually("it listens", async () => /live/.test(await page.innerText(".live")));
    await api("/chats", { conversation_id: id, user_id: "zoe", messages: [{ content: "Hello!" }] });
    await eventually("the message is shown", async () => (await seqs(page)).length === 1);
  }],
  ["late messages and ends do not mislead a jump to a number", async ({ page, origin, api }) => {
    const id = `late-ones-${process.pid}`;
    const at = (minute) => new Date(Date.UTC(2026, 0, 5, 9, minute)).toISOString();
    for (let part = 0; part < 6; part += 1) {
      const messages = Array.from({ length: 100 }, (_, index) => ({ content: `m${part * 100 + index}`, timestamp: at(part * 100 + index) }));
      await api("/chats", { conversation_id: id, user_id: "ann", messages });
    }
    await api("/chats", { conversation_id: id, user_id: "ann", messages: [{ content: "late!", timestamp: at(210) }] });
    for (const seq of [1, 150, 420, 600, 601]) {
      await page.goto(`${origin}/${conversation(id, `?at=${seq}`)}`);
      const row = page.locator(`[data-seq="${seq}"].marked`);
      await row.waitFor();
      await eventually(`${seq} is on the screen`, () => row.evaluate((one) => {
        const { top, bottom } = one.getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight;
      }));
    }
  }],
  ["hostile text is text", async ({ page, origin, api }) => {
    const texts = [
      "<script>window.__hacked = 1</script>",
      "<img src=x onerror='window.__hacked = 2'>",
      "javascript:window.__hacked=3 https://example.com/\"onmouseover=\"window.__hacked=4",
      "left \u202Ethgir ot tfel\u202C end",
    ];
    const id = `<b onclick=alert(1)>${process.pid}</b>'";`;
    const user = "<i>eve</i>\u202Egnp.exe";
    await api("/chats", { conversation_id: id, user_id: user, messages: texts.map((content) => ({ content })) });
    await page.goto(`${origin}/${conversation(id)}`);
    await eventually("all are shown", async () => (await seqs(page)).length === texts.length);
    const shown = await page.$$eval(".content", (all) => all.map((one) => one.textContent));
    assert.equal(shown[0], texts[0]);
    assert.equal(shown[1], texts[1]);
    assert.match(shown[3], /‹U\+202E›/);
    assert.match(await page.innerText(".who .person"), /^<i>eve<\/i>‹U\+202E›gnp\.exe$/);
    assert.equal(await page.evaluate(() => window.__hacked), undefined);
    assert.equal(await page.locator(".content script, .content img, .content [onmouseover]").count(), 0);
    for (const link of await page.$$eval(".content a", (all) => all.map((one) => one.href))) assert.match(link, /^https:/);
    await axe(page, "hostile");
  }],
];
