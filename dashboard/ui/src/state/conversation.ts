// The open conversation: its messages, its newest summary, and what its socket tells.
import { computed, signal } from "@preact/signals";
import { Failure, call } from "../api/client.ts";
import { key } from "../api/key.ts";
import { LiveSocket, type LiveState } from "../api/live.ts";
import type { ConversationRow, ErrorDetail, LiveInsights, Participant, Summary, SummaryType } from "../types.ts";
import { MessageWindow } from "./window.ts";
import * as list from "./list.ts";
import { markSeen } from "./seen.ts";
import { say } from "./toast.ts";

export interface Target {
  seqs: readonly number[];
  focus: boolean;
}

export class Conversation {
  readonly window: MessageWindow;
  readonly status = signal<"loading" | "ready" | "missing" | "failed">("loading");
  readonly failure = signal<Failure | null>(null);
  readonly live = signal<LiveState>("connecting");
  readonly liveError = signal<ErrorDetail | null>(null);
  readonly summary = signal<Summary | null>(null);
  /** What the version before said, for the fade of what changed. */
  readonly before = signal<Summary | null>(null);
  readonly partial = signal("");
  readonly insights = signal<LiveInsights | null>(null);
  readonly asking = signal(false);
  readonly type = signal<SummaryType>("brief");
  readonly ended = signal<boolean>(false);
  /** Messages to scroll to and mark, once they are shown. */
  readonly target = signal<Target | null>(null);
  /** The reader is at the newest message and follows it. */
  readonly following = signal(true);
  readonly messageCount = computed(() => Math.max(this.window.total.value, this.insights.value?.message_count ?? 0));
  readonly people = computed(() => this.participants());
  readonly peopleCount = computed(
    () => this.insights.value?.participant_count ?? list.rowOf(this.id)?.participant_count ?? this.people.value.length,
  );
  readonly unseen = computed(() => Math.max(0, this.messageCount.value - this.window.end));
  readonly stale = computed(() => this.staleMessages());

  private readonly stop = new AbortController();
  private socket: LiveSocket | null = null;
  private catching = false;
  /** Connections lost in a row. */
  private lost = 0;
  private listed = false;
  private readonly texts = new Map<string, Summary>();

  constructor(
    readonly id: string,
    type: SummaryType,
  ) {
    this.window = new MessageWindow(id, this.stop.signal);
    this.type.value = type;
    this.ended.value = Boolean(list.rowOf(id)?.ended);
    this.listen();
  }

  close(): void {
    this.stop.abort();
    this.socket?.close();
  }

  /** Opens at the newest messages, or at one message. */
  async open(at?: number): Promise<void> {
    this.status.value = "loading";
    try {
      if (at === undefined) await this.window.newest();
      else await this.goTo([at]);
      this.status.value = "ready";
      this.seen();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.stop.signal.aborted) return;
    if (!(error instanceof Failure)) throw error;
    this.failure.value = error;
    this.status.value = error.status === 404 ? "missing" : "failed";
  }

  /** For moves of the window: a failure is told, the window stays. */
  async attempt(move: () => Promise<unknown>): Promise<void> {
    try {
      await move();
      this.seen();
    } catch (error) {
      if (this.stop.signal.aborted) return;
      if (!(error instanceof Failure)) throw error;
      say(error.message, "problem");
    }
  }

  async goTo(seqs: readonly number[], focus = true): Promise<void> {
    const first = seqs[0];
    if (first === undefined) return;
    this.following.value = false;
    if (await this.window.seek(first)) this.target.value = { seqs, focus };
    else say(`Message ${first} is no longer in this conversation.`, "problem");
    if (this.status.value === "loading") this.status.value = "ready";
  }

  async goToMoment(moment: string): Promise<void> {
    const seq = await this.window.firstSince(moment);
    if (seq === null) say("No message that late: these are the newest.");
    if (seq === null) await this.toNewest();
    else await this.goTo([seq], false);
  }

  async toNewest(): Promise<void> {
    if (!this.window.atEnd || this.unseen.value > 0) await this.window.newest();
    this.following.value = true;
    this.seen();
  }

  private seen(): void {
    if (this.window.atEnd) markSeen(this.id, this.window.total.value);
  }

  /** (Re)opens the socket, for the wanted kind of summary. */
  listen(type = this.type.value): void {
    this.type.value = type;
    const known = [...this.texts.values()].find((text) => text.summary_type === type);
    if (known && known.version === this.summary.value?.version) this.summary.value = known;
    this.socket?.close();
    this.socket = new LiveSocket(this.id, type, {
      state: (state) => this.connected(state),
      summary: (summary) => this.receive(summary),
      insights: (insights) => this.learn(insights),
      partial: (text) => (this.partial.value = text),
      ended: (reason) => this.hasEnded(reason),
      error: (detail) => (this.liveError.value = detail),
      sinceVersion: () => this.texts.get(type)?.version,
    });
  }

  /** A socket tells little of why it is lost: a request that is lost as well tells the reader. */
  private connected(state: LiveState): void {
    this.live.value = state;
    this.lost = state === "reconnecting" ? this.lost + 1 : 0;
    if (this.lost === 2) void list.refresh(true);
  }

  reconnect(): void {
    this.socket?.now();
  }

  private receive(summary: Summary): void {
    const type = summary.summary_type ?? this.type.value;
    const last = this.texts.get(type);
    if (last && (last.version ?? 0) > (summary.version ?? 0)) return;
    this.texts.set(type, { ...summary, summary_type: type });
    if (type !== this.type.value) return;
    this.liveError.value = null;
    this.partial.value = "";
    this.before.value = last && last.version !== summary.version ? last : null;
    this.summary.value = { ...summary, summary_type: type };
    const version = summary.version ?? null;
    list.update(this.id, { summary_version: version, stale_messages: this.staleMessages() });
  }

  private learn(insights: LiveInsights): void {
    this.insights.value = insights;
    this.beListed();
    if (this.status.value === "missing" && insights.message_count > 0) void this.open();
    if (insights.message_count > this.window.total.value) this.ended.value = false;
    list.update(this.id, {
      message_count: insights.message_count,
      stale_messages: this.staleMessages(),
      ...(insights.sentiment ? { sentiment: insights.sentiment } : {}),
      ...(insights.sentiment_score !== undefined ? { sentiment_score: insights.sentiment_score } : {}),
      ...(insights.trend ? { trend: insights.trend } : {}),
      ended: this.ended.value,
    });
    void this.catchUp();
  }

  /** A conversation that has just begun is not in the list yet: one look more, once. */
  private beListed(): void {
    if (this.listed || list.loading.value) return;
    this.listed = true;
    if (!list.rowOf(this.id) && !list.search.value) void list.refresh(true);
  }

  /** Takes in what has come since. */
  async toLatest(): Promise<void> {
    if (this.status.value === "missing") return this.open();
    await this.attempt(async () => {
      if (!(await this.window.catchUp())) await this.window.newest();
    });
    const last = this.window.messages.value.at(-1);
    if (!last || !this.window.atEnd) return;
    const { content, user_id, timestamp } = last;
    list.update(this.id, { last_message: { content, user_id, timestamp }, last_at: timestamp });
  }

  /** The list has looked again: a conversation that had ended may go on. */
  noticed(row: ConversationRow): void {
    if (this.live.value === "ended" && row.message_count > this.messageCount.value) this.listen();
  }

  /** New messages come in by themselves only while the reader follows the end; else they wait behind a count. */
  private async catchUp(): Promise<void> {
    if (this.catching || !this.following.value || this.status.value !== "ready" || this.unseen.value === 0) return;
    this.catching = true;
    try {
      await this.toLatest();
      // Frugal: an anonymous reader has ten requests a minute for everything.
      await new Promise((done) => setTimeout(done, key.value ? 800 : 8000));
    } finally {
      this.catching = false;
    }
    void this.catchUp();
  }

  private hasEnded(reason: string | null): void {
    if (reason === "erased") {
      this.status.value = "missing";
      this.summary.value = null;
      say("This conversation has been erased.");
      void list.refresh(true);
      return;
    }
    this.ended.value = true;
    list.update(this.id, { ended: true });
  }

  /** The summary lists more people than a live frame, whose counts are newer. */
  private participants(): Participant[] {
    const listed = this.summary.value?.insights.participants ?? list.rowOf(this.id)?.participants ?? [];
    const counts = new Map(listed.map((one) => [one.user_id, one]));
    for (const one of this.insights.value?.participants ?? []) counts.set(one.user_id, one);
    return [...counts.values()];
  }

  private staleMessages(): number {
    const summary = this.summary.value;
    const all = Math.max(this.window.total.value, this.insights.value?.message_count ?? 0);
    if (!summary?.covers) return summary ? (summary.stale_messages ?? 0) : all;
    return Math.max(0, all - summary.covers.messages);
  }

  async summarize(quiet = false): Promise<void> {
    if (this.asking.value) return;
    this.asking.value = true;
    const before = this.summary.value?.version;
    try {
      const summary = await call<Summary>("/chats/summarize", {
        method: "POST",
        body: { conversation_id: this.id, summary_type: this.type.value },
        signal: this.stop.signal,
      });
      const same = summary.version !== undefined && summary.version === before;
      this.receive(summary);
      const done = before === undefined ? "Summarized." : "Summary renewed.";
      if (!quiet) say(same ? "The summary already covers every message." : done);
    } catch (error) {
      if (this.stop.signal.aborted) return;
      if (!(error instanceof Failure)) throw error;
      say(error.message, "problem");
    } finally {
      this.asking.value = false;
    }
  }

  async end(): Promise<void> {
    await this.attempt(async () => {
      await call(`/chats/${encodeURIComponent(this.id)}/end`, { method: "POST", signal: this.stop.signal });
      this.hasEnded("requested");
      say("The conversation has ended. A new message opens it again.");
    });
  }
}

export const open = signal<Conversation | null>(null);
