// One short line that is said and goes again; the live region reads it out.
import { signal } from "@preact/signals";

export interface Toast {
  text: string;
  kind: "note" | "problem";
  nonce: number;
}

export const toast = signal<Toast | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;
let nonce = 0;

export function say(text: string, kind: Toast["kind"] = "note"): void {
  nonce += 1;
  toast.value = { text, kind, nonce };
  clearTimeout(timer);
  timer = setTimeout(() => (toast.value = null), kind === "problem" ? 8000 : 4000);
}
