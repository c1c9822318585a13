// The whole conversation as one strip: where the reader is, how it sounded, a way to anywhere in it.
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { key } from "../api/key.ts";
import type { Conversation } from "../state/conversation.ts";
import * as list from "../state/list.ts";
import { count, dayName, timeOfDay } from "../time.ts";
import type { Message } from "../types.ts";
import { tone } from "./Trend.tsx";

export function Rail({ talk, middle }: { talk: Conversation; middle: Message | null }): JSX.Element {
  const strip = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const total = talk.messageCount.value;
  const index = middle ? talk.window.messages.value.findIndex((message) => message.seq === middle.seq) : -1;
  const here = drag ?? Math.min(total - 1, talk.window.first.value + Math.max(0, index));
  const share = total > 1 ? here / (total - 1) : 0;
  const trend = talk.insights.value?.trend ?? list.rowOf(talk.id)?.trend ?? [];

  const place = (event: PointerEvent): number => {
    const area = strip.current?.getBoundingClientRect();
    if (!area) return 0;
    const part = Math.max(0, Math.min(1, (event.clientY - area.top) / area.height));
    return Math.round(part * (total - 1));
  };
  const move = (ordinal: number): void => {
    clearTimeout(timer.current);
    void talk.attempt(() => goToOrdinal(talk, ordinal));
  };
  const dragged = (event: PointerEvent): void => {
    if (drag === null) return;
    const ordinal = place(event);
    setDrag(ordinal);
    clearTimeout(timer.current);
    // Anonymous readers pay for each page: theirs is loaded where the thumb is let go.
    if (key.value) timer.current = setTimeout(() => move(ordinal), 120);
  };
  const keys = (event: KeyboardEvent): void => {
    const page = Math.max(100, Math.round(total / 50));
    const to: Record<string, number> = {
      ArrowUp: here - 50,
      ArrowDown: here + 50,
      PageUp: here - page,
      PageDown: here + page,
      Home: 0,
      End: total - 1,
    };
    const ordinal = to[event.key];
    if (ordinal === undefined) return;
    event.preventDefault();
    move(Math.max(0, Math.min(total - 1, ordinal)));
  };
  const words = middle ? `, ${dayName(middle.timestamp)} ${timeOfDay(middle.timestamp)}` : "";
  return (
    <div
      class={`rail${drag === null ? "" : " dragging"}`}
      ref={strip}
      role="slider"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label="Place in the conversation"
      aria-valuemin={1}
      aria-valuemax={total}
      aria-valuenow={here + 1}
      aria-valuetext={`Message ${count(here + 1)} of ${count(total)}${words}`}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag(place(event));
      }}
      onPointerMove={dragged}
      onPointerUp={(event) => {
        if (drag !== null) move(place(event));
        setDrag(null);
      }}
      onPointerCancel={() => setDrag(null)}
      onKeyDown={keys}
    >
      <div class="rail-trend" aria-hidden="true">
        {trend.map((score, at) => (
          <i key={at} class={tone(score)} style={{ opacity: String(0.25 + Math.min(0.75, Math.abs(score))) }} />
        ))}
      </div>
      <span class="thumb" style={{ insetBlockStart: `${share * 100}%` }} />
      <span class="rail-tip small" style={{ insetBlockStart: `${share * 100}%` }}>
        {count(here + 1)}
        {drag === null && middle && <em>{dayName(middle.timestamp)}</em>}
      </span>
    </div>
  );
}

export async function goToOrdinal(talk: Conversation, ordinal: number): Promise<void> {
  talk.following.value = false;
  const window = talk.window;
  if (ordinal < window.first.value || ordinal >= window.end) await window.around(ordinal);
  const message = window.messages.value[ordinal - window.first.value] ?? window.messages.value.at(-1);
  if (message) talk.target.value = { seqs: [message.seq], focus: false };
}
