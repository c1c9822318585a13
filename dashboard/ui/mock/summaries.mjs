// Summaries and live numbers as the mock makes them: plausible, not clever.
const GLAD = /great|wonderful|fantastic|lovely|thanks|thank you|relieved|good|pleasure|perfect|calm|loved|welcome|nice|ممتاز|شكراً/i;
const SAD = /disaster|angry|wrong|awful|sorry|worry|flaky|red|alert|leak|third time|broken|stuck|hurts|never again/i;
const TASK = /^(I'll|I will|Yes, I'll)\b|can you (\w+)|by (Monday|Tuesday|Wednesday|Thursday|Friday)|I can fix/i;

function sampled(talk) {
  if (talk.count <= 5000) return Array.from({ length: talk.count }, (_, at) => talk.at(at));
  return Array.from({ length: 640 }, (_, at) => talk.at(Math.floor((at * talk.count) / 640)));
}

const score = (text) => (GLAD.test(text) ? 0.62 : 0) - (SAD.test(text) ? 0.58 : 0);

function trend(talk) {
  const { count } = talk;
  let width = 1;
  while (Math.ceil(count / width) > 32) width *= 2;
  return Array.from({ length: Math.ceil(count / width) }, (_, point) => {
    if (count > 5000) return Math.round(600 * Math.sin(point / 3.1) * Math.cos(point / 7)) / 1000;
    let sum = 0;
    const to = Math.min(count, (point + 1) * width);
    for (let at = point * width; at < to; at += 1) sum += score(talk.at(at).content);
    return Math.round((1000 * sum) / (to - point * width)) / 1000;
  });
}

function participants(talk) {
  const counts = new Map();
  for (const { user_id } of sampled(talk)) counts.set(user_id, (counts.get(user_id) ?? 0) + 1);
  const scale = talk.count > 5000 ? talk.count / 640 : 1;
  return [...counts].map(([user_id, n]) => ({ user_id, message_count: Math.round(n * scale) }));
}

const KEYWORDS = ["release", "payment tests", "export", "release notes", "beta customers", "empty states", "design review"];

function mood(talk) {
  const points = trend(talk);
  const mean = points.reduce((sum, one) => sum + one, 0) / Math.max(1, points.length);
  const sentiment_score = Math.round(mean * 1000) / 1000;
  return { sentiment: mean > 0.08 ? "positive" : mean < -0.08 ? "negative" : "neutral", sentiment_score };
}

export function insightsFrame(talk) {
  return {
    type: "insights",
    conversation_id: talk.id,
    message_count: talk.count,
    participant_count: participants(talk).length,
    participants: participants(talk).slice(0, 8),
    ...mood(talk),
    trend: trend(talk),
    keywords: KEYWORDS.slice(0, 5),
  };
}

const date = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

function items(talk) {
  const found = { actions: [], decisions: [], questions: [] };
  const all = sampled(talk);
  for (const [at, { content, user_id, seq }] of all.entries()) {
    const text = content.split("\n")[0].slice(0, 160);
    if (/decided|agreed|we go with/i.test(content)) found.decisions.push({ text, evidence: at > 0 ? [all[at - 1].seq, seq] : [seq] });
    else if (TASK.test(content)) {
      const due = /by (\w+day)/i.exec(content);
      found.actions.push({
        text,
        owner: user_id,
        due: due ? { date: date(found.actions.length * 2 - 1), words: due[0] } : null,
        status: /fixed|sent/i.test(content) || found.actions.length === 4 ? "done" : found.actions.length === 5 ? "superseded" : "open",
        evidence: [seq],
      });
    } else if (/who (tells|answers)/i.test(content)) found.questions.push({ text, evidence: [seq] });
    if (found.actions.length > 9) break;
  }
  return found;
}

function texts(talk) {
  const people = participants(talk).map((one) => one.user_id);
  const [first = "Someone", second = "another"] = people;
  const team = talk.id === "team-sync" || talk.id === "spring-launch";
  const brief = team
    ? `${first} asks whether the release can move to Friday; ${second} agrees if the tests are green by Thursday. ` +
      (talk.count > 9 ? "The team decides to release on Friday at 10 with the export included. " : "") +
      (talk.count > 13 ? `${second} fixed the flaky payment test. ` : `${second} looks into the flaky payment test. `) +
      "Who tells the beta customers is still open."
    : `${first} and ${people.length > 2 ? `${people.length - 1} others` : second} exchange ${talk.count} messages. ` +
      `${first} begins with “${sampled(talk)[0]?.content.slice(0, 80) ?? ""}”.`;
  const detailed =
    `${brief}\n\nDecided:\n- The release is on Friday at 10.\n- The export is part of it.\n\n` +
    `To do:\n- ${second} sends the release notes by Thursday.\n- Chiara records a video of the export.\n\nOpen:\n- Who tells the beta customers?`;
  return { brief, detailed };
}

export function summarize(talk, trigger, { text } = {}) {
  const last = talk.versions.at(-1);
  if (last?.covers.messages === talk.count && !text) return last;
  const made = texts(talk);
  const version = {
    version: (last?.version ?? 0) + 1,
    covers: { first_seq: 1, last_seq: talk.count, messages: talk.count, digest: "9f2c41d07be65a83".repeat(4) },
    brief: text ?? made.brief,
    detailed: text ?? made.detailed,
    items: items(talk),
    keywords: KEYWORDS.slice(0, 4 + (talk.count % 4)),
    mood: mood(talk),
    people: participants(talk),
    trigger,
    engine: "local",
    degraded: false,
    generated_at: new Date().toISOString(),
  };
  talk.versions.push(version);
  return version;
}

export function summaryBody(talk, version, type = "brief") {
  const { actions, decisions, questions } = version.items;
  return {
    conversation_id: talk.id,
    summary: version[type],
    insights: {
      ...version.mood,
      keywords: version.keywords,
      action_items: actions.filter((item) => item.status === "open").map((item) => item.text),
      decisions,
      open_questions: questions,
      participants: version.people,
      action_item_details: actions,
    },
    generated_at: version.generated_at,
    summary_type: type,
    covers: version.covers,
    engine: version.engine,
    degraded: version.degraded,
    version: version.version,
  };
}
