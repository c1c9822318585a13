// How many messages of each conversation this browser has shown, for "3 new" in the list.
import { signal } from "@preact/signals";

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
