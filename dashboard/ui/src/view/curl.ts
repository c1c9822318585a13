// Lines for a terminal that work against this very server, with this very key.
import { key, maskedKey } from "../api/key.ts";

/** Quotes for a POSIX shell. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export interface CurlLine {
  what: string;
  text: string;
  /** The same with the key masked, for the screen. */
  shown: string;
}

function line(what: string, path: string, body?: unknown): CurlLine {
  const build = (secret: string | null): string => {
    const parts = [`curl -sS ${quote(location.origin + path)}`];
    if (secret) parts.push(`-H ${quote(`authorization: Bearer ${secret}`)}`);
    if (body !== undefined) parts.push(`-H 'content-type: application/json'`, `-d ${quote(readable(body))}`);
    return parts.join(" \\\n  ");
  };
  return { what, text: build(key.value), shown: build(maskedKey.value) };
}

/** JSON as people would write it: a short line for each field and message. */
function readable(body: unknown): string {
  const fields = Object.entries(body as Record<string, unknown>).map(([name, value]) => {
    const list = Array.isArray(value) && value.map((one) => `    ${JSON.stringify(one)}`).join(",\n");
    return `  ${JSON.stringify(name)}: ${list ? `[\n${list}\n  ]` : JSON.stringify(value)}`;
  });
  return `{\n${fields.join(",\n")}\n}`;
}

export function postLine(id: string): CurlLine {
  const messages = [{ content: "Can we meet on Friday?" }, { content: "I will book the room." }];
  return line("Post messages", "/chats", { conversation_id: id, user_id: "anna", messages });
}

export function linesFor(id: string): CurlLine[] {
  const path = `/chats/${encodeURIComponent(id)}`;
  return [
    postLine(id),
    line("Read them", `${path}?order=desc&limit=20`),
    line("Summarize now", "/chats/summarize", { conversation_id: id, summary_type: "brief" }),
    line("Read the stored summary", `${path}/summary`),
  ];
}
