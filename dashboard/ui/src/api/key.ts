// The API key: from the link's fragment or typed in, kept in this browser only, never in a URL.
import { signal, computed } from "@preact/signals";

const SLOT = "recap.key";

function stored(): string | null {
  try {
    return localStorage.getItem(SLOT);
  } catch {
    return null;
  }
}

export const key = signal<string | null>(stored());

/** What may be shown of it. */
export const maskedKey = computed(() => (key.value ? `${key.value.slice(0, 5)}…${key.value.slice(-4)}` : null));

export function keepKey(value: string | null): void {
  key.value = value;
  try {
    if (value) localStorage.setItem(SLOT, value);
    else localStorage.removeItem(SLOT);
  } catch {
    // Private windows may refuse storage: the key then lives as long as the page.
  }
}

/** Takes `key=...` out of a fragment. Answers the key and what remains of the fragment. */
export function splitKey(fragment: string): { key: string | null; rest: string } {
  const match = /(?:^|&)key=([^&]*)/.exec(fragment);
  if (!match) return { key: null, rest: fragment };
  const rest = fragment.replace(match[0], "").replace(/^&/, "");
  try {
    return { key: decodeURIComponent(match[1] ?? "").trim() || null, rest };
  } catch {
    return { key: null, rest };
  }
}

/** Moves a key from the address bar into this browser, leaving no trace in the history. */
export function takeKeyFromAddress(): void {
  const found = splitKey(location.hash.slice(1));
  if (found.rest === location.hash.slice(1)) return;
  history.replaceState(history.state, "", `${location.pathname}${location.search}#${found.rest || "/"}`);
  if (found.key) keepKey(found.key);
}

/** Is it fit for a header? The server decides whether it is known. */
export function looksLikeKey(value: string): boolean {
  return /^[!-~]{8,200}$/.test(value);
}
