// How many messages of each conversation this browser has shown, for "3 new" in the list.
import { signal } from "@preact/signals";
import type { ConversationRow } from "../types.ts";

const SLOT = "recap.seen";
const KEPT = 300;

function load(): Map<string, number> {
  try {
    return new Map(JSON.parse(localStorage.getItem(SLOT) ?? "[]") as [string, number][]);
  } catch {
    return new Map();
  }
}

export const seen = signal(load());

export function markSeen(id: string, messages: number): void {
  if (seen.value.get(id) === messages) return;
  const next = new Map(seen.value);
  next.delete(id);
  next.set(id, messages);
  for (const oldest of next.keys()) {
    if (next.size <= KEPT) break;
    next.delete(oldest);
  }
  seen.value = next;
  try {
    localStorage.setItem(SLOT, JSON.stringify([...next]));
  } catch {
    // Full or refused storage: the counts are then forgotten with the page.
  }
}

const VISIT = "recap.visited";

/** When this browser was here before; 0 at a first visit. */
export const lastVisit = ((): number => {
  try {
    const last = Number(localStorage.getItem(VISIT)) || 0;
    localStorage.setItem(VISIT, String(Date.now()));
    return last;
  } catch {
    return 0;
  }
})();

/** Messages of a conversation that this browser has not shown; at a first visit nothing is new. */
export function unread(row: ConversationRow): number {
  const known = seen.value.get(row.conversation_id);
  if (known !== undefined) return Math.max(0, row.message_count - known);
  return lastVisit > 0 && row.last_at && Date.parse(row.last_at) > lastVisit ? row.message_count : 0;
}
