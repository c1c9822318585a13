// The WebSocket of the open conversation. The law: it comes back by itself, asks only for what is newer than
// what it has seen, and stops for good when the conversation has ended.
import type { ErrorDetail, LiveInsights, Summary, SummaryType } from "../types.ts";
import { key } from "./key.ts";

export type LiveState = "connecting" | "live" | "reconnecting" | "ended" | "refused" | "closed";

export interface LiveHandlers {
  state(state: LiveState): void;
  summary(summary: Summary): void;
  insights(insights: LiveInsights): void;
  partial(text: string): void;
  ended(reason: string | null): void;
  error(detail: ErrorDetail): void;
  sinceVersion(): number | undefined;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

export class LiveSocket {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = FIRST_WAIT;
  private over = false;

  constructor(
    private readonly conversation: string,
    private readonly type: SummaryType,
    private readonly on: LiveHandlers,
  ) {
    on.state("connecting");
    this.open();
    addEventListener("online", this.now);
  }

  close(): void {
    this.over = true;
    clearTimeout(this.timer);
    removeEventListener("online", this.now);
    this.socket?.close(1000);
  }

  /** Does not wait for the back-off. */
  readonly now = (): void => {
    if (this.over || this.socket) return;
    clearTimeout(this.timer);
    this.open();
  };

  private open(): void {
    const url = new URL("/ws/summarize", location.origin);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("conversation_id", this.conversation);
    url.searchParams.set("summary_type", this.type);
    const since = this.on.sinceVersion();
    if (since !== undefined) url.searchParams.set("since_version", String(since));
    const socket = new WebSocket(url, key.value ? ["recap", `recap.key.${key.value}`] : []);
    this.socket = socket;
    socket.onopen = () => {
      if (this.over) return;
      this.wait = FIRST_WAIT;
      this.on.state("live");
    };
    socket.onmessage = (event) => {
      if (!this.over && typeof event.data === "string") this.read(event.data);
    };
    socket.onclose = (event) => {
      this.socket = null;
      if (!this.over) this.closed(event);
    };
  }

  private read(text: string): void {
    let frame: { type?: string } & Record<string, unknown>;
    try {
      frame = JSON.parse(text) as typeof frame;
    } catch {
      return;
    }
    if (frame.type === "summary") this.on.summary(frame as unknown as Summary);
    else if (frame.type === "insights") this.on.insights(frame as unknown as LiveInsights);
    else if (frame.type === "partial") this.on.partial(String(frame["text"] ?? frame["summary"] ?? ""));
    else if (frame.type === "error") this.on.error((frame["detail"] ?? frame) as ErrorDetail);
    else if (frame.type === "ended") {
      this.over = true;
      this.on.ended(typeof frame["reason"] === "string" ? frame["reason"] : null);
      this.on.state("ended");
    }
  }

  private closed(event: CloseEvent): void {
    if (event.code === 1000) {
      this.on.state("ended");
      return;
    }
    if (event.code === 1008) {
      this.on.state("refused");
      return;
    }
    this.on.state("reconnecting");
    this.timer = setTimeout(() => this.open(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
  }
}
