// A test double of the API: the contract's reads, writes and WebSocket over made-up conversations in memory.
// `node mock/server.mjs [--port 8100] [--empty]`. POST /mock/... steers it; see `steer`.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { conversations, seed } from "./conversations.mjs";
import { insightsFrame, summarize, summaryBody } from "./summaries.mjs";

const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "dist");
const TYPES = { js: "text/javascript", css: "text/css", svg: "image/svg+xml", html: "text/html; charset=utf-8" };
export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

class Refusal extends Error {
  constructor(status, code, error, headers = {}) {
    super(error);
    Object.assign(this, { status, code, headers });
  }
}

const fresh = () => ({ limit: 0, left: 0, down: false, refuse: false, delay: 0, requests: [], anonymousKey: null });
let mode = fresh();
const sockets = new Map();

function asset(path) {
  const name = path === "/" ? "index.html" : path.startsWith("/assets/") ? path.slice(8) : null;
  if (!name || !/^[a-z.]+$/.test(name)) return null;
  try {
    return { bytes: readFileSync(join(dist, name)), type: TYPES[name.split(".").pop()] };
  } catch {
    return null;
  }
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const found = asset(url.pathname);
  if (found) {
    const headers = { "content-type": found.type, "content-security-policy": CSP, "cache-control": "no-store" };
    return response.writeHead(200, headers).end(found.bytes);
  }
  const body = await text(request);
  const send = (status, value, headers = {}) => {
    const json = value === undefined ? "" : JSON.stringify(value);
    response.writeHead(status, { "content-type": "application/json", "x-request-id": "req_mock", ...headers }).end(json);
  };
  if (url.pathname.startsWith("/mock/")) return send(200, steer(url, body));
  if (mode.down) return request.socket.destroy();
  mode.requests.push(`${request.method} ${url.pathname}${url.search}`);
  if (mode.delay) await new Promise((done) => setTimeout(done, mode.delay));
  try {
    gate(request);
    const answer = route(request.method, url, body);
    send(answer.status ?? 200, answer.body);
  } catch (error) {
    const { status = 500, code = "internal", headers } = error;
    if (status === 500) console.error(error);
    send(status, { detail: { error: error.message, code, timestamp: new Date().toISOString() } }, headers);
  }
});

function gate(request) {
  if (mode.refuse) throw new Refusal(401, "unauthenticated", "This key is unknown or was revoked.");
  if (mode.limit > 0 && !request.headers.authorization) {
    if (mode.left <= 0) {
      mode.left = mode.limit;
      throw new Refusal(429, "rate_limited", "Too many requests.", { "retry-after": String(mode.retry ?? 3) });
    }
    mode.left -= 1;
  }
}

async function text(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

function find(id) {
  const talk = conversations.get(id);
  if (!talk) throw new Refusal(404, "conversation_not_found", `There is no conversation ${JSON.stringify(id)}.`);
  return talk;
}

function route(method, url, body) {
  const [, root, raw, rest] = url.pathname.split("/");
  const id = decodeURIComponent(raw ?? "");
  const query = url.searchParams;
  if (root === "users" && rest === "chats") return { body: history(id, query) };
  if (root !== "chats") throw new Refusal(404, "not_found", "There is nothing at this path.");
  if (method === "GET" && !raw) return { body: list(query) };
  if (method === "POST" && !raw) return { body: post(JSON.parse(body)) };
  if (method === "POST" && id === "summarize" && !rest) {
    const wanted = JSON.parse(body);
    const talk = find(wanted.conversation_id);
    const made = summarize(talk, "demand");
    push(talk);
    return { body: summaryBody(talk, made, wanted.summary_type) };
  }
  const talk = find(id);
  if (method === "POST" && rest === "end") return { body: end(talk) };
  if (rest === "summaries") return { body: versions(talk, query) };
  if (rest === "summary") return { body: summaryBody(talk, talk.versions.at(-1), query.get("summary_type") ?? "brief") };
  return { body: messages(talk, query) };
}

function row(talk) {
  const last = talk.count ? talk.at(talk.count - 1) : null;
  const live = insightsFrame(talk);
  return {
    conversation_id: talk.id,
    message_count: talk.count,
    participant_count: live.participant_count,
    participants: live.participants.slice(0, 8),
    last_message: last && { content: last.content.slice(0, 280), user_id: last.user_id, timestamp: last.timestamp },
    first_at: talk.count ? talk.at(0).timestamp : null,
    last_at: last?.timestamp ?? null,
    sentiment: live.sentiment,
    sentiment_score: live.sentiment_score,
    trend: live.trend,
    ended: talk.ended ? "requested" : null,
    stale_messages: talk.count - (talk.versions.at(-1)?.covers.messages ?? 0),
    summary_version: talk.versions.at(-1)?.version ?? null,
  };
}

function list(query) {
  const page = Number(query.get("page") ?? 1);
  const limit = Number(query.get("limit") ?? 50);
  const wanted = (query.get("contains") ?? "").toLowerCase();
  const rows = [...conversations.values()].filter((talk) => talk.count && talk.id.toLowerCase().includes(wanted)).map(row);
  rows.sort((a, b) => b.last_at.localeCompare(a.last_at));
  const part = rows.slice((page - 1) * limit, page * limit);
  const total_pages = Math.ceil(rows.length / limit);
  return { conversations: part, total_conversations: rows.length, page, limit, total_pages };
}

function messages(talk, query) {
  const limit = Number(query.get("limit") ?? 50);
  const desc = query.get("order") === "desc";
  const since = query.get("since");
  const cursor = query.get("cursor");
  if (query.has("around_seq")) return around(talk, Number(query.get("around_seq")), limit);
  let from = 0;
  if (since) while (from < talk.count && talk.at(from).timestamp < new Date(since).toISOString()) from += 1;
  let begin = from + (Number(query.get("page") ?? 1) - 1) * limit;
  let down = desc;
  if (cursor) {
    const [, way, place] = /^(asc|desc)-(\d+)$/.exec(cursor) ?? [];
    if (!way) throw new Refusal(400, "invalid_cursor", "This cursor is not one of this conversation.");
    down = way === "desc";
    begin = Number(place);
  }
  const places = [];
  for (let at = begin; places.length < limit && at < talk.count; at += 1) places.push(down ? talk.count - 1 - at : at);
  const next = begin + places.length;
  return {
    conversation_id: talk.id,
    messages: places.map((place) => talk.at(place)),
    ...(cursor ? {} : { page: Number(query.get("page") ?? 1) }),
    total_pages: Math.ceil(talk.count / limit),
    limit,
    total_messages: talk.count,
    next_cursor: next < talk.count ? `${down ? "desc" : "asc"}-${next}` : null,
  };
}

function around(talk, seq, limit) {
  const place = talk.placeOf(seq);
  if (place < 0) throw new Refusal(404, "not_found", `There is no message ${seq} in this conversation.`);
  const first = Math.max(0, place - Math.floor(limit / 2));
  const end = Math.min(talk.count, place + limit - Math.floor(limit / 2));
  return {
    conversation_id: talk.id,
    messages: Array.from({ length: end - first }, (_, index) => talk.at(first + index)),
    total_pages: Math.ceil(talk.count / limit),
    limit,
    total_messages: talk.count,
    next_cursor: end < talk.count ? `asc-${end}` : null,
    ...(first > 0 ? { previous_cursor: `desc-${talk.count - first}` } : {}),
    preceding_messages: first,
  };
}

function versions(talk, query) {
  const limit = Number(query.get("limit") ?? 20);
  const page = Number(query.get("page") ?? 1);
  const type = query.get("summary_type") ?? "brief";
  const newest = [...talk.versions].reverse().map((one) => summaryBody(talk, one, type));
  const summaries = newest.slice((page - 1) * limit, page * limit);
  return { conversation_id: talk.id, summaries, total_summaries: newest.length, page, limit, total_pages: 1 };
}

function post(body) {
  const id = body.conversation_id ?? `conv_${conversations.size}`;
  const talk = conversations.get(id) ?? seed(id);
  for (const message of body.messages) {
    talk.add(message.user_id ?? body.user_id, message.content, message.timestamp ?? new Date().toISOString());
  }
  talk.ended = false;
  push(talk, true);
  return { status: "success", inserted_count: body.messages.length, conversation_id: id };
}

function end(talk) {
  talk.ended = true;
  summarize(talk, "end");
  push(talk);
  for (const socket of sockets.get(talk.id) ?? []) {
    socket.send(JSON.stringify({ type: "ended", conversation_id: talk.id, reason: "requested" }));
    socket.close(1000, "conversation ended");
  }
  return { status: "success", conversation_id: talk.id };
}

function history(user, query) {
  const limit = Number(query.get("limit") ?? 10);
  const page = Number(query.get("page") ?? 1);
  const rows = [];
  for (const talk of conversations.values()) {
    if (talk.count > 5000) continue;
    const own = [];
    for (let at = 0; at < talk.count; at += 1) if (talk.at(at).user_id === user) own.push(talk.at(at));
    if (own.length === 0) continue;
    if (query.get("end_date") && own[0].timestamp.slice(0, 10) > query.get("end_date")) continue;
    if (query.get("start_date") && own.at(-1).timestamp.slice(0, 10) < query.get("start_date")) continue;
    const { content, user_id, timestamp } = talk.at(talk.count - 1);
    rows.push({
      conversation_id: talk.id,
      last_message: own.at(-1).content,
      timestamp: own.at(-1).timestamp,
      message_count: own.length,
      latest: { content, user_id, timestamp },
    });
  }
  rows.sort((a, b) => b.timestamp.localeCompare(a.timestamp));
  const conversationsOfUser = rows.slice((page - 1) * limit, page * limit);
  return { user_id: user, conversations: conversationsOfUser, total_conversations: rows.length, page, limit };
}

/** To all who listen: numbers, or the newest summary. */
function push(talk, numbersOnly = false) {
  const newest = talk.versions.at(-1);
  for (const socket of sockets.get(talk.id) ?? []) {
    if (!numbersOnly && newest) socket.send(frame(talk, newest, socket.summaryType));
    socket.send(JSON.stringify(insightsFrame(talk)));
  }
}

const frame = (talk, version, type) => JSON.stringify({ type: "summary", ...summaryBody(talk, version, type) });

const wss = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] });
server.on("upgrade", (request, socket, head) => {
  const url = new URL(request.url, "http://localhost");
  if (mode.down || url.pathname !== "/ws/summarize") return socket.destroy();
  mode.requests.push(`WS ${url.search}`);
  mode.protocol = request.headers["sec-websocket-protocol"] ?? null;
  wss.handleUpgrade(request, socket, head, (ws) => listen(ws, url.searchParams));
});

function listen(ws, query) {
  const id = query.get("conversation_id");
  ws.summaryType = query.get("summary_type") ?? "brief";
  if (!sockets.has(id)) sockets.set(id, new Set());
  sockets.get(id).add(ws);
  ws.on("close", () => sockets.get(id)?.delete(ws));
  const talk = conversations.get(id);
  if (!talk?.count) return;
  const newest = talk.versions.at(-1);
  if (newest && newest.version > Number(query.get("since_version") ?? 0)) ws.send(frame(talk, newest, ws.summaryType));
  ws.send(JSON.stringify(insightsFrame(talk)));
  if (talk.ended) {
    ws.send(JSON.stringify({ type: "ended", conversation_id: id, reason: "requested" }));
    ws.close(1000, "conversation ended");
  }
}

function steer(url, body) {
  const what = url.pathname.slice(6);
  const given = body ? JSON.parse(body) : {};
  if (what === "reset") {
    mode = fresh();
    conversations.clear();
    if (!given.empty) seed();
  } else if (what === "mode") Object.assign(mode, given, given.limit ? { left: given.limit } : {});
  else if (what === "drop") for (const all of sockets.values()) for (const ws of all) ws.terminate();
  else if (what === "summarize") {
    const talk = find(given.conversation_id);
    summarize(talk, "count", given);
    push(talk);
  } else if (what === "partial") {
    for (const ws of sockets.get(given.conversation_id) ?? []) ws.send(JSON.stringify({ type: "partial", text: given.text }));
  }
  let listeners = 0;
  for (const all of sockets.values()) listeners += all.size;
  return { requests: mode.requests, protocol: mode.protocol, listeners };
}

export function serve(port, empty = false) {
  if (!empty) seed();
  return new Promise((done) => server.listen(port, "127.0.0.1", () => done(server)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.argv[process.argv.indexOf("--port") + 1]) || 8100;
  await serve(port, process.argv.includes("--empty"));
  console.log(`mock on http://127.0.0.1:${port}`);
}
