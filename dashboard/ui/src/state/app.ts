// What the page as a whole shows: which panes, which theme, which dialog; and the open conversation follows the route.
import { effect, signal, untracked, type Signal } from "@preact/signals";
import { online, tryNow } from "../api/client.ts";
import { keepKey, key } from "../api/key.ts";
import { go, returning, route, type Route, type Tab } from "../route.ts";
import { Conversation, open } from "./conversation.ts";
import * as list from "./list.ts";

export type Theme = "auto" | "light" | "dark";
export type Dialog = "help" | "key" | "end" | "curl";
/** What a phone shows of the three panes. */
export type Pane = "list" | "talk" | "summary";

export const dialog = signal<Dialog | null>(null);
export const pane = signal<Pane>(route.value.name === "home" ? "list" : "talk");
export const drawer = signal(false);
const phone = matchMedia("(max-width: 719px)");
/** One pane at a time, as on a phone. */
export const narrow = signal(phone.matches);
phone.addEventListener("change", () => (narrow.value = phone.matches));
export const listShown = kept("recap.list", true);
export const summaryShown = kept("recap.summary", true);
export const theme = kept<Theme>("recap.theme", "auto");
/** The item of the summary that a cited message points at. */
export const pointed = signal<string | null>(null);

function kept<T>(slot: string, otherwise: T): Signal<T> {
  let first = otherwise;
  try {
    first = JSON.parse(localStorage.getItem(slot) ?? "null") ?? otherwise;
  } catch {
    // Unreadable: as if never set.
  }
  const value = signal<T>(first);
  effect(() => {
    const now = value.value;
    try {
      localStorage.setItem(slot, JSON.stringify(now));
    } catch {
      // Kept for this page only.
    }
  });
  return value;
}

effect(() => {
  const now = theme.value;
  if (now === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = now;
});

export function openConversation(id: string): void {
  go({ name: "conversation", id, tab: currentTab() });
}

export function openUser(id: string): void {
  go({ name: "user", id, from: "", to: "", page: 1 });
}

export function showTab(tab: Tab): void {
  const at = route.value;
  if (at.name !== "conversation") return;
  go({ name: "conversation", id: at.id, tab, ...(at.at === undefined ? {} : { at: at.at }) }, "replace");
}

function currentTab(): Tab {
  const at = route.value;
  return at.name === "conversation" && at.tab === "detailed" ? "detailed" : "brief";
}

/** To the messages that an item was taken from; the back key returns. */
export function showEvidence(seqs: readonly number[]): void {
  const at = route.value;
  const first = seqs[0];
  if (at.name !== "conversation" || first === undefined) return;
  pane.value = "talk";
  evidence = seqs;
  go({ name: "conversation", id: at.id, tab: at.tab, at: first });
  // The same message again: the route is unchanged, the wish is not.
  if (at.at === first) void open.value?.goTo(seqs);
}
let evidence: readonly number[] = [];

function follow(to: Route): void {
  const now = open.value;
  if (to.name !== "conversation") {
    now?.close();
    open.value = null;
    pane.value = to.name === "home" ? "list" : "talk";
    return;
  }
  const type = to.tab === "detailed" ? "detailed" : "brief";
  const back = returning.value;
  if (now?.id === to.id) {
    if (to.tab !== "changes" && now.type.value !== type) now.listen(type);
    if (back) void now.attempt(() => now.goTo([back.seq], false));
    else if (to.at !== undefined && to.at !== lastAt) {
      const seqs = evidence[0] === to.at ? evidence : [to.at];
      void now.attempt(() => now.goTo(seqs));
    }
    lastAt = to.at;
    return;
  }
  now?.close();
  lastAt = to.at;
  const next = new Conversation(to.id, type);
  open.value = next;
  pointed.value = null;
  drawer.value = false;
  if (pane.value === "list") pane.value = "talk";
  void next.open(back?.seq ?? to.at);
}
let lastAt: number | undefined;

export function start(): void {
  void list.refresh();
  list.watchList();
  effect(() => {
    const to = route.value;
    untracked(() => follow(to));
  });
  effect(() => {
    const now = open.value;
    const row = list.rows.value.find((one) => one.conversation_id === now?.id);
    if (now && row) untracked(() => now.noticed(row));
  });
  effect(() => {
    if (online.value) untracked(() => open.value?.reconnect());
  });
  effect(() => {
    const at = route.value;
    document.title = at.name === "home" ? "Recap" : `${at.id} · Recap`;
  });
  let known = key.value;
  effect(() => {
    const now = key.value;
    if (now === known) return;
    known = now;
    untracked(anew);
  });
}

/** With another key everything is somebody else's. */
function anew(): void {
  open.value?.close();
  open.value = null;
  list.rows.value = [];
  tryNow();
  void list.refresh();
  follow(route.value);
}

export function useKey(value: string | null): void {
  dialog.value = null;
  keepKey(value);
}
