// The list of conversations: newest first, searched by id, looked at again seldom enough for an anonymous reader.
import { computed, signal } from "@preact/signals";
import { Failure, call, limitedUntil, online } from "../api/client.ts";
import { key } from "../api/key.ts";
import type { ConversationList, ConversationRow } from "../types.ts";

const LIMIT = 50;
/** Pages that are kept; beyond them the search is the way. */
const MOST_PAGES = 20;

export const rows = signal<ConversationRow[]>([]);
export const total = signal<number | null>(null);
export const search = signal("");
export const loading = signal(true);
export const failure = signal<Failure | null>(null);
const pages = signal(1);
const morePages = signal(false);
export const hasMore = computed(() => morePages.value && pages.value < MOST_PAGES);

/** Live facts of single conversations, newer than the list. */
const fresher = new Map<string, Partial<ConversationRow>>();
let current: AbortController | null = null;

export async function refresh(quiet = false): Promise<void> {
  current?.abort();
  const mine = (current = new AbortController());
  if (!quiet) loading.value = true;
  try {
    const list = await fetchPage(1, mine.signal);
    const first = list.conversations;
    const known = new Set(first.map((row) => row.conversation_id));
    // A quiet look renews the top of the list and keeps what was loaded below it.
    const below = quiet ? rows.value.slice(LIMIT).filter((row) => !known.has(row.conversation_id)) : [];
    fresher.clear();
    rows.value = [...first, ...below];
    if (!quiet) pages.value = 1;
    noteTotal(list, pages.value);
    failure.value = null;
  } catch (error) {
    if (error instanceof Failure) failure.value = error;
    else if (!mine.signal.aborted) throw error;
  } finally {
    if (current === mine) {
      current = null;
      loading.value = false;
    }
  }
}

export async function more(): Promise<void> {
  if (current || !hasMore.value) return;
  const mine = (current = new AbortController());
  try {
    const list = await fetchPage(pages.value + 1, mine.signal);
    const known = new Set(rows.value.map((row) => row.conversation_id));
    rows.value = [...rows.value, ...list.conversations.filter((row) => !known.has(row.conversation_id))];
    pages.value += 1;
    noteTotal(list, pages.value);
    failure.value = null;
  } catch (error) {
    if (error instanceof Failure) failure.value = error;
    else if (!mine.signal.aborted) throw error;
  } finally {
    if (current === mine) current = null;
  }
}

function fetchPage(page: number, until: AbortSignal): Promise<ConversationList> {
  const contains = search.value.trim() || undefined;
  return call<ConversationList>("/chats", { query: { page, limit: LIMIT, contains }, signal: until });
}

function noteTotal(list: ConversationList, page: number): void {
  total.value = list.total_conversations ?? null;
  morePages.value =
    list.total_pages !== undefined ? page < list.total_pages : list.conversations.length === LIMIT;
}

let typing: ReturnType<typeof setTimeout> | undefined;
export function searchFor(text: string): void {
  search.value = text;
  clearTimeout(typing);
  typing = setTimeout(() => void refresh(), key.value ? 180 : 600);
}

/** What a socket says of a conversation goes into its row at once. */
export function update(id: string, facts: Partial<ConversationRow>): void {
  fresher.set(id, { ...fresher.get(id), ...facts });
  const renewed = rows.value.map((row) => (row.conversation_id === id ? { ...row, ...facts } : row));
  // Newest first, as the server orders them; the sort keeps the order of equals.
  if (facts.last_at) renewed.sort((a, b) => moment(b) - moment(a));
  rows.value = renewed;
}

const moment = (row: ConversationRow): number => (row.last_at ? Date.parse(row.last_at) : 0);

export function rowOf(id: string): ConversationRow | undefined {
  return rows.value.find((row) => row.conversation_id === id);
}

/** Looks again every 5 s with a key and every minute without, and when the reader comes back. */
export function watchList(): void {
  let last = Date.now();
  const due = (): number => (key.value ? 5_000 : 60_000);
  const look = (least: number): void => {
    const idle = document.hidden || current || limitedUntil.value !== null || !online.value;
    if (idle || Date.now() - last < least) return;
    last = Date.now();
    void refresh(true);
  };
  setInterval(() => look(due()), 1_000);
  document.addEventListener("visibilitychange", () => look(due() / 3));
  addEventListener("focus", () => look(due() / 3));
}
