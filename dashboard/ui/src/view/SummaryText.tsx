// The text of the newest summary. Sentences that the version before did not have come in softly.
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { splitSentences } from "../diff.ts";
import type { Conversation } from "../state/conversation.ts";
import { plainText } from "../text.ts";
import { Skeleton } from "./small.tsx";

export function SummaryText({ talk }: { talk: Conversation }): JSX.Element {
  const summary = talk.summary.value;
  const before = talk.before.value;
  const had = useMemo(() => new Set(before ? splitSentences(before.summary).map(trimmed) : []), [before]);
  if (talk.partial.value) {
    return (
      <div class="summary-text writing" dir="auto" aria-busy="true">
        <Blocks text={plainText(talk.partial.value)} />
      </div>
    );
  }
  if (!summary) return <None talk={talk} />;
  return (
    <div class="summary-text" dir="auto" key={`${summary.version}-${summary.summary_type}`}>
      <Blocks text={plainText(summary.summary)} fresh={before ? (sentence) => !had.has(trimmed(sentence)) : undefined} />
    </div>
  );
}

const trimmed = (text: string): string => text.trim();

type Fresh = ((sentence: string) => boolean) | undefined;

/** Paragraphs, headings and lists, as an engine writes them in plain text or light Markdown. */
export function Blocks({ text, fresh }: { text: string; fresh?: Fresh }): JSX.Element {
  const blocks: JSX.Element[] = [];
  let items: JSX.Element[] = [];
  const flush = (): void => {
    if (items.length > 0) blocks.push(<ul key={blocks.length}>{items}</ul>);
    items = [];
  };
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    const item = /^[-*•]\s+(.*)$/.exec(line);
    if (item) {
      items.push(
        <li key={items.length}>
          <Sentences text={item[1] ?? ""} fresh={fresh} />
        </li>,
      );
      continue;
    }
    flush();
    if (!line) continue;
    const heading = /^(?:#{1,4}\s+(.+)|([^.!?]{2,40}):)$/.exec(line);
    if (heading) blocks.push(<h3 key={blocks.length}>{heading[1] ?? heading[2]}</h3>);
    else {
      blocks.push(
        <p key={blocks.length}>
          <Sentences text={line} fresh={fresh} />
        </p>,
      );
    }
  }
  flush();
  return <>{blocks}</>;
}

function Sentences({ text, fresh }: { text: string; fresh: Fresh }): JSX.Element {
  if (!fresh) return <>{text}</>;
  return (
    <>
      {splitSentences(text).map((sentence, index) => (
        <span key={index} class={fresh(sentence) ? "fresh-sentence" : undefined}>
          {sentence}
        </span>
      ))}
    </>
  );
}

function None({ talk }: { talk: Conversation }): JSX.Element {
  const messages = talk.messageCount.value;
  if (talk.status.value === "loading" || talk.live.value === "connecting") return <Skeleton lines={4} />;
  if (talk.live.value === "reconnecting") {
    return <p class="none">The summary is shown as soon as the server answers again.</p>;
  }
  if (messages === 0) return <p class="none">A summary appears here with the first messages.</p>;
  return (
    <div class="none">
      <p>
        Not summarized yet. A summary is made by itself after 20 messages or a short silence, or now, if you like.
      </p>
    </div>
  );
}
