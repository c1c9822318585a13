// The messages of a window, scrolled without end. The law: what is being read stays where it is on the screen,
// whatever is loaded above or below it.
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { placeIs, returning } from "../route.ts";
import { pane, pointed, summaryShown } from "../state/app.ts";
import { citations } from "../state/cited.ts";
import type { Conversation } from "../state/conversation.ts";
import { count, dayKey, dayName } from "../time.ts";
import type { Message } from "../types.ts";
import { Icon } from "./icons.tsx";
import { MessageRow } from "./Message.tsx";
import { Rail } from "./Rail.tsx";

/** Pixels from an edge at which more is loaded. */
const NEAR = 1600;
/** Messages of one person within five minutes stand under one name. */
const GROUP_MS = 5 * 60_000;

interface Anchor {
  seq: number;
  top: number;
}

export function Timeline({ talk }: { talk: Conversation }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const anchor = useRef<Anchor | null>(null);
  const opened = useRef(false);
  const [marks, setMarks] = useState<ReadonlySet<number>>(new Set());
  const [middle, setMiddle] = useState<Message | null>(null);
  /** Is there anything above the upper edge, whose day the reader cannot see? */
  const [below, setBelow] = useState(false);
  const messages = talk.window.messages.value;
  const first = talk.window.first.value;
  const total = talk.messageCount.value;
  const target = talk.target.value;
  const cited = useMemo(() => citations(talk.summary.value), [talk.summary.value]);

  const rows = (): HTMLElement[] => [...(box.current?.querySelectorAll<HTMLElement>("[data-seq]") ?? [])];

  /** Remembers which message lies at the top edge, and where. */
  const remember = (): void => {
    const scroller = box.current;
    if (!scroller) return;
    const edge = scroller.getBoundingClientRect().top;
    const all = rows();
    const at = firstBelow(all, edge);
    const row = all[at];
    anchor.current = row ? { seq: Number(row.dataset["seq"]), top: row.getBoundingClientRect().top - edge } : null;
    const centre = all[Math.max(0, firstBelow(all, edge + scroller.clientHeight / 2))] ?? all.at(-1);
    setBelow(scroller.scrollTop > 110);
    const seq = Number(centre?.dataset["seq"]);
    setMiddle(talk.window.messages.peek().find((message) => message.seq === seq) ?? null);
  };

  const atBottom = (): boolean => {
    const scroller = box.current;
    return !scroller || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 24;
  };

  const near = (): void => {
    const scroller = box.current;
    if (!scroller) return;
    const below = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    if (scroller.scrollTop < NEAR && !talk.window.atStart) void talk.attempt(() => talk.window.more("up"));
    else if (below < NEAR && !talk.window.atEnd) void talk.attempt(() => talk.window.more("down"));
  };

  // Before the browser paints: put the anchor back where it was, or go to the end or to the target.
  useLayoutEffect(() => {
    const scroller = box.current;
    if (!scroller) return;
    const back = returning.peek();
    if (target) {
      const row = scroller.querySelector<HTMLElement>(`[data-seq="${target.seqs[0]}"]`);
      if (row) {
        const offset =
          back && back.seq === target.seqs[0] ? back.offset : Math.max(48, (scroller.clientHeight - row.offsetHeight) / 3);
        scroller.scrollTop += row.getBoundingClientRect().top - scroller.getBoundingClientRect().top - offset;
        if (target.focus) row.focus({ preventScroll: true });
        if (target.focus) setMarks(new Set(target.seqs));
        talk.target.value = null;
      }
    } else if (!opened.current || talk.following.peek()) {
      scroller.scrollTop = scroller.scrollHeight;
    } else if (anchor.current) {
      const row = scroller.querySelector<HTMLElement>(`[data-seq="${anchor.current.seq}"]`);
      if (row) {
        const top = row.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
        scroller.scrollTop += top - anchor.current.top;
      }
    }
    opened.current = true;
    remember();
    near();
  }, [messages, target, talk.following.value, cited]);

  useEffect(() => {
    if (marks.size === 0) return;
    const timer = setTimeout(() => setMarks(new Set()), 2600);
    return () => clearTimeout(timer);
  }, [marks]);

  useEffect(() => {
    placeIs(() => (anchor.current ? { seq: anchor.current.seq, offset: anchor.current.top } : null));
    const scroller = box.current;
    if (!scroller) return;
    const sized = new ResizeObserver(() => {
      if (talk.following.peek()) scroller.scrollTop = scroller.scrollHeight;
    });
    sized.observe(scroller);
    return () => {
      placeIs(() => null);
      sized.disconnect();
    };
  }, [talk]);

  let waiting = false;
  const scrolled = (): void => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      talk.following.value = talk.window.atEnd && atBottom();
      remember();
      near();
    });
  };

  const keys = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey) return;
    if (event.key === "Home") void talk.attempt(() => toStart(talk));
    else if (event.key === "End") void talk.attempt(() => talk.toNewest());
    else return;
    event.preventDefault();
  };

  const showItem = (key: string): void => {
    summaryShown.value = true;
    pane.value = "summary";
    pointed.value = null;
    pointed.value = key;
  };

  return (
    <div class={`timeline${total > 300 ? " with-rail" : ""}`}>
      <div class="scroller" ref={box} tabIndex={0} role="region" aria-label="Messages" onScroll={scrolled} onKeyDown={keys}>
        <Edge way="up" talk={talk} />
        <div role="feed" aria-label="Messages in order of time" aria-busy={talk.window.moving.value !== null}>
          {messages.map((message, index) => {
            const before = messages[index - 1];
            const day = !before || dayKey(before.timestamp) !== dayKey(message.timestamp);
            return (
              <MessageRow
                key={message.seq}
                message={message}
                day={day}
                head={day || startsGroup(before, message)}
                place={first + index}
                total={total}
                cited={cited.get(message.seq)}
                marked={marks.has(message.seq)}
                onCited={showItem}
              />
            );
          })}
        </div>
        <Edge way="down" talk={talk} />
      </div>
      {middle && !talk.following.value && below && <div class="floating-day small" aria-hidden="true">{dayName(middle.timestamp)}</div>}
      <NewMessages talk={talk} />
      {total > 300 && <Rail talk={talk} middle={middle} />}
    </div>
  );
}

async function toStart(talk: Conversation): Promise<void> {
  talk.following.value = false;
  const messages = await talk.window.around(0);
  if (messages[0]) talk.target.value = { seqs: [messages[0].seq], focus: false };
}

function startsGroup(before: Message | undefined, message: Message): boolean {
  if (!before || before.user_id !== message.user_id) return true;
  return Date.parse(message.timestamp) - Date.parse(before.timestamp) > GROUP_MS;
}

/** The first row whose end lies below `y`: rows stand in order, so half of them are left out each time. */
function firstBelow(rows: HTMLElement[], y: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low < high) {
    const half = (low + high) >> 1;
    if ((rows[half]?.getBoundingClientRect().bottom ?? 0) > y) high = half;
    else low = half + 1;
  }
  return low;
}

function Edge({ way, talk }: { way: "up" | "down"; talk: Conversation }): JSX.Element {
  const end = way === "up" ? talk.window.atStart : talk.window.atEnd;
  if (!end) {
    return (
      <p class="edge small dim" role="status">
        {talk.window.moving.value === way ? "Loading…" : "\u00a0"}
      </p>
    );
  }
  if (way === "up") return <p class="edge small dim">The beginning of the conversation</p>;
  return <p class="edge small dim">{talk.ended.value ? "The conversation has ended" : "\u00a0"}</p>;
}

function NewMessages({ talk }: { talk: Conversation }): JSX.Element | null {
  const unseen = talk.unseen.value;
  if (talk.following.value && unseen === 0) return null;
  const far = !talk.window.atEnd;
  if (unseen === 0 && talk.following.value) return null;
  return (
    <button
      type="button"
      class={`to-newest${unseen > 0 && !far ? " fresh" : ""}`}
      onClick={() => void talk.attempt(() => talk.toNewest())}
    >
      <Icon name="down" size={16} />
      {unseen > 0 && !far ? `${count(unseen)} new` : "Newest"}
    </button>
  );
}
