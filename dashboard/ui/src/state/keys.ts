// Keyboard: single keys, none while something is being typed.
import { go, route } from "../route.ts";
import { dialog, drawer, listShown, openConversation, pane, summaryShown } from "./app.ts";
import { open } from "./conversation.ts";
import * as list from "./list.ts";

export const KEYS: readonly (readonly [string, string])[] = [
  ["j / k", "Next or previous conversation"],
  ["/", "Search conversations"],
  ["s", "Summarize now"],
  ["h", "What is new, over all conversations"],
  ["g", "Go to the newest message"],
  ["[ / ]", "Hide or show the side panes"],
  ["Home / End", "First or newest message, in the timeline"],
  ["Esc", "Close what floats"],
  ["?", "These keys"],
];

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

function step(by: 1 | -1): void {
  const rows = list.rows.value;
  const at = route.value;
  const now = rows.findIndex((row) => at.name === "conversation" && row.conversation_id === at.id);
  const next = rows[now < 0 ? (by > 0 ? 0 : rows.length - 1) : now + by];
  if (!next) return;
  openConversation(next.conversation_id);
  document.querySelector(`[data-row="${CSS.escape(next.conversation_id)}"]`)?.scrollIntoView({ block: "nearest" });
}

export function focusSearch(): void {
  listShown.value = true;
  drawer.value = true;
  pane.value = "list";
  setTimeout(() => document.querySelector<HTMLInputElement>("#search")?.focus(), 0);
}

function pressed(event: KeyboardEvent): void {
  if (event.key === "Escape") {
    drawer.value = false;
    if (typing(event.target)) (event.target as HTMLElement).blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || dialog.value) return;
  const act = actions[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

const actions: Record<string, () => void> = {
  j: () => step(1),
  k: () => step(-1),
  "/": focusSearch,
  s: () => void open.value?.summarize(),
  g: () => void open.value?.attempt(async () => open.value?.toNewest()),
  "?": () => (dialog.value = "help"),
  "[": () => (listShown.value = !listShown.value),
  "]": () => (summaryShown.value = !summaryShown.value),
  h: () => go({ name: "home" }),
};

export function listenToKeys(): void {
  addEventListener("keydown", pressed);
}
