// What is open stands in the fragment: `#/c/<conversation>?at=12`, `#/u/<user>?from=…&to=…`, `#/`.
import { signal } from "@preact/signals";
import { takeKeyFromAddress } from "./api/key.ts";

export type Tab = "brief" | "detailed" | "changes";

export type Route =
  | { name: "home" }
  | { name: "conversation"; id: string; at?: number; tab: Tab; from?: number; to?: number }
  | { name: "user"; id: string; from: string; to: string; page: number };

export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = split(hash.replace(/^#/, ""), "?");
  const query = new URLSearchParams(search);
  const [, kind, raw] = path.split("/");
  const id = decode(raw ?? "");
  if (kind === "c" && id) {
    const tab = query.get("tab");
    return {
      name: "conversation",
      id,
      ...whole("at", query.get("at")),
      tab: tab === "detailed" || tab === "changes" ? tab : "brief",
      ...whole("from", query.get("from")),
      ...whole("to", query.get("to")),
    };
  }
  if (kind === "u" && id) {
    const page = Number(query.get("page") ?? 1);
    return { name: "user", id, from: query.get("from") ?? "", to: query.get("to") ?? "", page: page > 0 ? page : 1 };
  }
  return { name: "home" };
}

export function formatRoute(to: Route): string {
  if (to.name === "home") return "#/";
  const query = new URLSearchParams();
  if (to.name === "user") {
    if (to.from) query.set("from", to.from);
    if (to.to) query.set("to", to.to);
    if (to.page > 1) query.set("page", String(to.page));
  } else {
    if (to.at !== undefined) query.set("at", String(to.at));
    if (to.tab !== "brief") query.set("tab", to.tab);
    if (to.from !== undefined) query.set("from", String(to.from));
    if (to.to !== undefined) query.set("to", String(to.to));
  }
  const search = query.toString();
  return `#/${to.name === "user" ? "u" : "c"}/${encodeURIComponent(to.id)}${search ? `?${search}` : ""}`;
}

function split(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function whole<K extends string>(name: K, text: string | null): { [P in K]?: number } {
  const value = Number(text);
  return (text && Number.isInteger(value) && value > 0 ? { [name]: value } : {}) as { [P in K]?: number };
}

/** Where the reader was in the timeline when an entry of the history was left. */
export interface Place {
  seq: number;
  offset: number;
}

takeKeyFromAddress();
export const route = signal<Route>(parseRoute(location.hash));
/** Set by going back to an entry that was left with a place. */
export const returning = signal<Place | null>(null);

let currentPlace: () => Place | null = () => null;
export function placeIs(read: () => Place | null): void {
  currentPlace = read;
}

export function go(to: Route, how: "push" | "replace" = "push"): void {
  const hash = formatRoute(to);
  if (how === "push" && hash !== location.hash) {
    history.replaceState({ place: currentPlace() }, "");
    history.pushState(null, "", hash);
  } else {
    history.replaceState(history.state, "", hash);
  }
  returning.value = null;
  route.value = to;
}

function moved(event: Event): void {
  takeKeyFromAddress();
  const state = (event instanceof PopStateEvent ? event.state : null) as { place?: Place } | null;
  const next = parseRoute(location.hash);
  if (formatRoute(next) === formatRoute(route.value)) return;
  returning.value = state?.place ?? null;
  route.value = next;
}
addEventListener("popstate", moved);
addEventListener("hashchange", moved);
