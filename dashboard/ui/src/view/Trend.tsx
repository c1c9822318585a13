// Sentiment along a conversation. Each point stands for as many messages as the others; the last for those since.
// Blue is glad, amber is not, grey is neither: readable without telling red from green.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { count, ends, exact, moment, signed } from "../time.ts";

/** Messages in each full point: a power of two, as the server folds them. */
export function pointWidth(points: number, messages: number): number {
  let width = 1;
  while (points > 0 && Math.ceil(messages / width) > points) width *= 2;
  return width;
}

export function tone(score: number): "glad" | "plain" | "sad" {
  return score > 0.08 ? "glad" : score < -0.08 ? "sad" : "plain";
}

const SPARKS = 16;

export function Sparkline({ trend, label }: { trend: number[]; label: string }): JSX.Element | null {
  if (trend.length < 2) return <span class="spark" role="img" aria-label={label} />;
  const shown = trend.slice(-SPARKS);
  const first = SPARKS - shown.length;
  return (
    <svg class="spark" viewBox={`0 0 ${SPARKS * 3} 14`} role="img" aria-label={label} preserveAspectRatio="none">
      {shown.map((score, index) => {
        const height = Math.max(1.5, Math.abs(score) * 7);
        return (
          <rect key={index} class={tone(score)} x={(first + index) * 3} width="2" y={score >= 0 ? 7 - height : 7} height={height} />
        );
      })}
    </svg>
  );
}

const HEIGHT = 76;
/** Widest bar, in hundredths of the plot: few messages make few bars, not walls. */
const WIDEST = 6;
const MIDDLE = HEIGHT / 2;

export function TrendPlot(props: {
  trend: number[];
  messages: number;
  /** When the first and the last message were written, where that is known. */
  from: string | null | undefined;
  to: string | null | undefined;
  /** When message number `ordinal`, from 0, was written, where it is at hand. */
  when: (ordinal: number) => string | undefined;
  onPick: (ordinal: number) => void;
}): JSX.Element | null {
  const [hover, setHover] = useState<number | null>(null);
  const { trend, messages, from, to } = props;
  if (trend.length < 2) return null;
  const width = pointWidth(trend.length, messages);
  const step = 100 / trend.length;
  const bar = Math.min(step * 0.72, WIDEST);
  const at = (event: PointerEvent | MouseEvent): number => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width;
    return Math.max(0, Math.min(trend.length - 1, Math.floor(x * trend.length)));
  };
  const range = (index: number): string => {
    const [from, to] = [index * width + 1, Math.min(messages, (index + 1) * width)];
    return from >= to ? `message ${count(from)}` : `messages ${count(from)}–${count(to)}`;
  };
  const shown = hover === null ? null : (trend[hover] ?? 0);
  const written = hover === null ? undefined : props.when(hover * width);
  const low = trend.indexOf(Math.min(...trend));
  const high = trend.indexOf(Math.max(...trend));
  const [first, last] = from && to ? ends(from, to) : ["first", "newest"];
  const label =
    `Sentiment over ${count(messages)} messages. Highest ${signed(trend[high] ?? 0)} around ${range(high)}, ` +
    `lowest ${signed(trend[low] ?? 0)} around ${range(low)}.`;
  return (
    <figure class="trend">
      <svg
        viewBox={`0 0 100 ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={label}
        onPointerMove={(event) => setHover(at(event))}
        onPointerLeave={() => setHover(null)}
        onClick={(event) => props.onPick(at(event) * width)}
      >
        {hover !== null && <rect class="hover" x={hover * step} width={step} y="0" height={HEIGHT} />}
        <line class="zero" x1="0" x2="100" y1={MIDDLE} y2={MIDDLE} />
        {trend.map((score, index) => {
          const height = Math.max(1, Math.abs(score) * (MIDDLE - 2));
          return (
            <rect
              key={index}
              class={tone(score)}
              x={index * step + (step - bar) / 2}
              width={bar}
              y={score >= 0 ? MIDDLE - height : MIDDLE}
              height={height}
              rx="0.4"
            />
          );
        })}
      </svg>
      <figcaption class="small">
        {hover === null || shown === null ? (
          <>
            <span title={from ? exact(from) : undefined}>{first}</span>
            <span class="dim">click to go there</span>
            <span title={to ? exact(to) : undefined}>{last}</span>
          </>
        ) : (
          <span>
            {signed(shown)} in {range(hover)}
            {written && `, ${moment(written)}`}
          </span>
        )}
      </figcaption>
    </figure>
  );
}
