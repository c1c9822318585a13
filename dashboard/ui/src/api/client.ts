// Every HTTP request goes through here. The law: a refused or lost request waits its turn and is repeated,
// a wrong one fails at once with the server's own words.
import { computed, signal } from "@preact/signals";
import type { ErrorDetail } from "../types.ts";
import { key } from "./key.ts";

/** When the rate limit lets us on, in milliseconds of `Date.now()`; null while nothing holds us back. */
export const limitedUntil = signal<number | null>(null);
/** Set while the server cannot be reached: when it is tried again. */
export const offlineUntil = signal<number | null>(null);
/** The server refuses the key. */
export const refused = signal<string | null>(null);
export const online = computed(() => offlineUntil.value === null);

export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly detail: ErrorDetail,
    readonly requestId: string | null,
  ) {
    super(detail.error);
  }
}

export interface Call {
  method?: "GET" | "POST" | "DELETE";
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

const PARALLEL = 4;
let running = 0;
const waiting: (() => void)[] = [];
let wake: (() => void) | null = null;

/** Tries again now, whatever was being waited for. */
export function tryNow(): void {
  wake?.();
}
addEventListener("online", tryNow);

export async function call<T>(path: string, options: Call = {}): Promise<T> {
  await turn();
  try {
    for (let lost = 0, busy = 0; ; ) {
      options.signal?.throwIfAborted();
      await pause(limitedUntil);
      const response = await send(path, options).catch((error: unknown) => {
        if (options.signal?.aborted) throw error;
        return null;
      });
      if (!response || (response.status === 502 && !isJson(response))) {
        lost += 1;
        await pause(offlineUntil, Math.min(30_000, 1000 * 2 ** Math.min(lost, 5)) * (0.75 + Math.random() / 2));
        continue;
      }
      offlineUntil.value = null;
      if (response.status === 429) {
        await pause(limitedUntil, 1000 * retryAfter(response, 6));
        continue;
      }
      if (response.status === 503 && busy < 4) {
        busy += 1;
        await sleep(1000 * retryAfter(response, busy), options.signal);
        continue;
      }
      return await read<T>(response);
    }
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

async function turn(): Promise<void> {
  while (running >= (key.value ? PARALLEL : 1)) await new Promise<void>((go) => waiting.push(go));
  running += 1;
}

function send(path: string, options: Call): Promise<Response> {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(options.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const headers: Record<string, string> = { accept: "application/json" };
  if (key.value) headers["authorization"] = `Bearer ${key.value}`;
  if (options.body !== undefined) headers["content-type"] = "application/json";
  return fetch(url, {
    method: options.method ?? "GET",
    headers,
    body: options.body === undefined ? null : JSON.stringify(options.body),
    cache: "no-store",
    credentials: "omit",
    signal: options.signal ?? null,
  });
}

async function read<T>(response: Response): Promise<T> {
  if (response.ok) {
    refused.value = null;
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
  const body = (await response.json().catch(() => null)) as { detail?: ErrorDetail } | null;
  const detail = body?.detail ?? { error: `The server answered ${response.status}.`, code: "unknown" };
  if (response.status === 401) refused.value = detail.error;
  throw new Failure(response.status, detail, response.headers.get("x-request-id"));
}

function isJson(response: Response): boolean {
  return (response.headers.get("content-type") ?? "").includes("json");
}

function retryAfter(response: Response, otherwise: number): number {
  const seconds = Number(response.headers.get("retry-after"));
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) : otherwise;
}

/** Waits for a shared hold to pass; with `ms`, holds everyone that long first. */
async function pause(hold: typeof limitedUntil, ms?: number): Promise<void> {
  if (ms !== undefined) hold.value = Math.max(hold.value ?? 0, Date.now() + ms);
  while (hold.value !== null) {
    const left = hold.value - Date.now();
    if (left <= 0) break;
    await new Promise<void>((done) => {
      const before = wake;
      const timer = setTimeout(done, left + 20);
      wake = () => {
        clearTimeout(timer);
        before?.();
        if (hold === offlineUntil) hold.value = Date.now();
        done();
      };
    });
  }
  if (hold === limitedUntil) hold.value = null;
}

export function sleep(ms: number, until?: AbortSignal | undefined): Promise<void> {
  return new Promise((done, fail) => {
    const timer = setTimeout(done, ms);
    until?.addEventListener("abort", () => {
      clearTimeout(timer);
      fail(until.reason as Error);
    });
  });
}
