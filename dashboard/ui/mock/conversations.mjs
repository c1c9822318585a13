// The made-up conversations: ordinary ones, and each kind of odd one.
import { summarize } from "./summaries.mjs";

export const conversations = new Map();

const MINUTE = 60_000;
const NOW = Date.now();

class Talk {
  constructor(id) {
    Object.assign(this, { id, list: [], ended: false, versions: [], seqs: 0 });
  }
  get count() {
    return this.list.length;
  }
  at(place) {
    return this.list[place];
  }
  placeOf(seq) {
    return this.list.findIndex((message) => message.seq === seq);
  }
  add(user_id, content, timestamp) {
    this.seqs += 1;
    const message = { content, timestamp: new Date(timestamp).toISOString(), user_id, seq: this.seqs };
    let place = this.list.length;
    while (place > 0 && this.list[place - 1].timestamp > message.timestamp) place -= 1;
    this.list.splice(place, 0, message);
  }
}

/** A million messages that take no room: each is made when it is asked for. */
class Endless {
  constructor(id, count) {
    Object.assign(this, { id, count, ended: false, versions: [] });
  }
  at(place) {
    const user_id = ["nadia", "oscar", "wen", "ibrahim", "lea"][(place * 7 + (place >> 3)) % 5];
    const words = "we looked at the numbers again and they hold so the next step is clear to everyone here ".repeat(3);
    const content = `Message ${place + 1}: ${words.slice(0, 20 + ((place * 37) % 200)).trim()}.`;
    return { content, user_id, seq: place + 1, timestamp: new Date(NOW - (this.count - place) * 47_000).toISOString() };
  }
  placeOf(seq) {
    return seq <= this.count ? seq - 1 : -1;
  }
  add() {
    this.count += 1;
  }
}

const TEAM = [
  ["Anna", "Can the release move to Friday? The payment tests are still red."],
  ["Ben", "Yes, if the tests are green by Thursday noon. I'll look at the flaky one today."],
  ["Chiara", "I'm so relieved. Monday with red tests would have been a disaster."],
  ["Anna", "Good. Then it's decided: we release on Friday at 10."],
  ["Ben", "I'll send the release notes by Thursday."],
  ["Deniz", "Support wants to know whether the export is part of it. Is it?"],
  ["Anna", "Yes, the export is in. Chiara, can you record a two-minute video of it by Friday?"],
  ["Chiara", "Sure, with pleasure!"],
  ["Deniz", "Thanks. And who tells the beta customers? Last time nobody did, and they were angry."],
  ["Ben", "Not me please, I have no list of them."],
  ["Anna", "Let's find out tomorrow. I booked the small room for the retro, by the way."],
  ["Chiara", "Lovely. I'll bring cake.\n\nAlso: the design review notes are at https://example.com/design/review-17 if anyone wants to read them before."],
  ["Deniz", "The new empty states are wonderful. Three customers wrote to say thanks."],
  ["Ben", "Found the flaky test: a clock that was read twice. Fixed and merged, the whole suite has been green five times in a row."],
  ["Anna", "Fantastic work, Ben."],
];

const OTHERS = [
  ["support-8123", ["Mr. Ito", "Sofia"], ["The invoice shows the wrong address again. This is the third time!", "I'm sorry about that. I have corrected it and sent the new invoice.", "It arrived. Thank you for the quick help.", "You're welcome! I'll check the template so that it does not happen again."]],
  ["design-crit", ["Mila", "Tom", "Anna"], ["The list is too dense on small screens.", "I could try 44 px rows.", "Try it, and keep the small type for times only.", "Pushed a draft. Looks calmer already."]],
  ["incident-2291", ["oncall-bot", "Ravi", "Ben"], ["ALERT: queue depth 48,200 on eu-2", "Looking. Workers restarted at 03:12, no idea why yet.", "Memory limit. We should raise it to 2 GB until the leak is found.", "Raised. Depth is falling: 31k, 12k, 400.", "Resolved. I'll write the report by Tuesday."]],
  ["hiring-backend", ["Chiara", "Deniz"], ["Second interview went well, strong on databases.", "Agreed. Let's make an offer this week."]],
  ["book-club", ["Lea", "Wen", "Nadia"], ["Next one: The Dispossessed?", "Yes please!", "I loved it. Wednesday the 9th at Lea's?"]],
  ["garden planning / spring 🌱", ["Jo", "Sam"], ["Tomatoes on the south side this time.", "And no zucchini. Never again."]],
  ["conv_01JAB7Q2M8XK4TZ0E6W9RYVH5D", ["svc-import"], ["Imported 1 row."]],
];

const RTL = [
  ["ليلى", "صباح الخير جميعاً، هل يمكن تأجيل الاجتماع إلى يوم الخميس؟"],
  ["دانيال", "נשמע טוב. אני אשלח הזמנה חדשה עד מחר ב-10:00."],
  ["ليلى", "ممتاز، شكراً! سأجهز العرض (النسخة 2.4) قبل ذلك."],
  ["Ben", "Thursday works for me as well — see you at 14:00."],
];

export const HOSTILE = [
  `<script>window.__hacked = 1</script>`,
  `<img src=x onerror="window.__hacked = 2">`,
  `"><svg/onload=window.__hacked=3>`,
  `[click](javascript:window.__hacked=4) javascript:window.__hacked=5 https://example.com/"onmouseover="window.__hacked=6`,
  `left \u202Ethgir ot tfel\u202C and \u2067isolated\u2069 marks, \u200Bzero\u200Bwidth, \u0000nul`,
  `{{constructor.constructor('window.__hacked=7')()}} \${window.__hacked=8}`,
  `Z̸̧̛͎̙a̵̛͖l̴̨̛g̸̨̛o ${"\u0301".repeat(200)}`,
  "W".repeat(3000),
];

export function seed(only) {
  if (only) {
    const talk = new Talk(only);
    conversations.set(only, talk);
    return talk;
  }
  const put = (talk, ago) => {
    conversations.set(talk.id, talk);
    return { talk, ago };
  };
  const { talk: team } = put(new Talk("team-sync"));
  TEAM.forEach(([user, text], at) => {
    const day = at < 8 ? 26 * 60 : 40;
    team.add(user, text, NOW - (day + (TEAM.length - at) * 3) * MINUTE);
    if (at === 8 || at === 12) summarize(team, "count");
  });
  summarize(team, "silence");
  OTHERS.forEach(([id, people, lines], index) => {
    const talk = new Talk(id);
    conversations.set(id, talk);
    lines.forEach((line, at) => talk.add(people[at % people.length], line, NOW - (index * index * 190 + 20 + (lines.length - at) * 4) * MINUTE));
    if (id !== "hiring-backend") summarize(talk, "silence");
    if (id === "support-8123") talk.ended = true;
  });
  const design = conversations.get("design-crit");
  for (let at = 0; at < 14; at += 1) design.add(["Mila", "Tom"][at % 2], `Draft ${at + 2} is up, smaller steps between the greys.`, NOW - (14 - at) * MINUTE);
  conversations.get("incident-2291").versions.at(-1).degraded = true;
  const rtl = new Talk("اجتماع الفريق");
  conversations.set(rtl.id, rtl);
  RTL.forEach(([user, text], at) => rtl.add(user, text, NOW - (300 - at * 5) * MINUTE));
  summarize(rtl, "silence");
  const hostile = new Talk(`<b onclick=alert(1)>x</b>'"; rm -rf /`);
  conversations.set(hostile.id, hostile);
  HOSTILE.forEach((text, at) => hostile.add(at % 2 ? `<i>eve</i>\u202Egnp.exe` : "mallory", text, NOW - (900 - at) * MINUTE));
  summarize(hostile, "silence", { text: HOSTILE.slice(0, 3).join(" ") });
  const long = new Talk("long-message");
  conversations.set(long.id, long);
  long.add("Priya", "Here is the whole log:\n" + "The quick brown fox jumps over the lazy dog. ".repeat(222), NOW - 1300 * MINUTE);
  long.add("Luis", "Thanks, that is all I need.", NOW - 1299 * MINUTE);
  const million = new Endless("archive-million", 1_000_000);
  conversations.set(million.id, million);
  summarize(million, "count");
  return team;
}
