// A window of at most 400 messages over a conversation of any length. The law: it is contiguous in time order,
// and moving it costs one request of at most 100 messages, wherever it stands.
import { signal } from "@preact/signals";
import { Failure, call } from "../api/client.ts";
import type { Message, MessagePage } from "../types.ts";

export const PAGE = 100;
const MOST = 400;

type Way = "up" | "down";

export class MessageWindow {
  readonly messages = signal<Message[]>([]);
  /** Place of the first one among all messages, from 0. */
  readonly first = signal(0);
  readonly total = signal(0);
  readonly moving = signal<Way | null>(null);
  private up: string | null = null;
  private down: string | null = null;

  constructor(
    private readonly id: string,
    private readonly until: AbortSignal,
  ) {}

  get end(): number {
    return this.first.value + this.messages.value.length;
  }
  get atStart(): boolean {
    return this.first.value <= 0;
  }
  get atEnd(): boolean {
    return this.end >= this.total.value;
  }

  private fetch(query: Record<string, string | number | undefined>): Promise<MessagePage> {
    return call<MessagePage>(`/chats/${encodeURIComponent(this.id)}`, { query, signal: this.until });
  }

  private place(messages: Message[], first: number, total: number): void {
    this.messages.value = messages;
    this.first.value = Math.max(0, first);
    this.total.value = Math.max(total, this.end);
    this.up = this.down = null;
  }

  async newest(): Promise<void> {
    const page = await this.fetch({ order: "desc", limit: PAGE });
    const messages = page.messages.toReversed();
    this.place(messages, page.total_messages - messages.length, page.total_messages);
    this.up = page.next_cursor ?? null;
  }

  /** The page that holds message number `ordinal`, from 0. */
  async around(ordinal: number): Promise<Message[]> {
    const number = Math.floor(Math.max(0, ordinal) / PAGE) + 1;
    const page = await this.fetch({ page: number, limit: PAGE });
    this.place(page.messages, (number - 1) * PAGE, page.total_messages);
    this.down = page.next_cursor ?? null;
    return page.messages;
  }

  async more(way: Way): Promise<void> {
    if (this.moving.value || this.messages.value.length === 0) return;
    if (way === "up" ? this.atStart : this.atEnd) return;
    this.moving.value = way;
    try {
      await (way === "up" ? this.older() : this.newer());
    } finally {
      this.moving.value = null;
    }
  }

  private async older(): Promise<void> {
    if (this.up) {
      const page = await this.fetch({ order: "desc", limit: PAGE, cursor: this.up });
      this.prepend(page.messages.toReversed(), page.total_messages);
      this.up = page.next_cursor ?? null;
      if (!this.up) this.first.value = 0;
      return;
    }
    const edge = this.messages.value[0];
    const page = edge && (await this.near(edge.seq));
    if (!page) return void (await this.around(this.first.value));
    const at = page.messages.findIndex((message) => message.seq === edge.seq);
    this.first.value = (page.preceding_messages ?? 0) + at;
    this.prepend(page.messages.slice(0, at), page.total_messages);
    this.up = page.previous_cursor ?? null;
  }

  private prepend(older: Message[], total: number): void {
    const known = new Set(this.messages.value.map((message) => message.seq));
    const fresh = older.filter((message) => !known.has(message.seq));
    let all = [...fresh, ...this.messages.value];
    if (all.length > MOST) {
      all = all.slice(0, MOST);
      this.down = null;
    }
    this.messages.value = all;
    this.first.value = Math.max(0, this.first.value - fresh.length);
    this.total.value = Math.max(total, this.end);
  }

  private async newer(): Promise<void> {
    if (this.down) {
      const page = await this.fetch({ limit: PAGE, cursor: this.down });
      this.append(page.messages, page.total_messages);
      this.down = page.next_cursor ?? null;
      return;
    }
    const edge = this.messages.value.at(-1);
    const page = edge && (await this.near(edge.seq));
    if (!page) return void (await this.around(this.end - 1));
    const at = page.messages.findIndex((message) => message.seq === edge.seq);
    this.append(page.messages.slice(at + 1), page.total_messages);
    this.first.value = (page.preceding_messages ?? 0) + page.messages.length - this.messages.value.length;
    this.down = page.next_cursor ?? null;
  }

  /** The page with one message in its middle; null where that message is no longer there. */
  private async near(seq: number): Promise<MessagePage | null> {
    try {
      return await this.fetch({ around_seq: seq, limit: PAGE });
    } catch (error) {
      if (error instanceof Failure && error.detail.code === "not_found") return null;
      throw error;
    }
  }

  private append(newer: Message[], total: number): void {
    const known = new Set(this.messages.value.map((message) => message.seq));
    const all = [...this.messages.value, ...newer.filter((message) => !known.has(message.seq))];
    const cut = Math.max(0, all.length - MOST);
    if (cut > 0) this.up = null;
    this.messages.value = all.slice(cut);
    this.first.value += cut;
    this.total.value = Math.max(total, this.end);
  }

  /** Takes in what has come since, where the window ends at the newest message. False: too much has come. */
  async catchUp(): Promise<boolean> {
    const page = await this.fetch({ order: "desc", limit: PAGE });
    const newest = page.messages.toReversed();
    const begin = newest[0];
    const at = begin ? this.messages.value.findIndex((message) => message.seq === begin.seq) : -1;
    if (at >= 0 || newest.length === page.total_messages) {
      const kept = at > 0 ? this.messages.value.slice(0, at) : [];
      const all = [...kept, ...newest];
      const cut = Math.max(0, all.length - MOST);
      const { up } = this;
      this.place(all.slice(cut), page.total_messages - all.length + cut, page.total_messages);
      this.up = cut > 0 ? null : at > 0 ? up : (page.next_cursor ?? null);
      return true;
    }
    this.total.value = page.total_messages;
    return false;
  }

  /** Moves to the message `seq`. Answers whether it is there. */
  async seek(seq: number): Promise<boolean> {
    if (this.has(seq)) return true;
    const page = await this.near(seq);
    if (!page) {
      if (this.messages.value.length === 0) await this.newest();
      return false;
    }
    this.place(page.messages, page.preceding_messages ?? 0, page.total_messages);
    this.up = page.previous_cursor ?? null;
    this.down = page.next_cursor ?? null;
    return true;
  }

  has(seq: number): boolean {
    return this.messages.value.some((message) => message.seq === seq);
  }

  /** The number of the first message at or after a moment; null where there is none. */
  async firstSince(moment: string): Promise<number | null> {
    const page = await this.fetch({ since: moment, limit: 1 });
    return page.messages[0]?.seq ?? null;
  }
}
