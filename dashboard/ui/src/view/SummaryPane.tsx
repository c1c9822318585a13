// The right pane: what came out of the conversation, and how far that can be relied on.
import type { JSX } from "preact";
import { route, type Tab } from "../route.ts";
import { showTab } from "../state/app.ts";
import type { Conversation } from "../state/conversation.ts";
import * as list from "../state/list.ts";
import { itemsOf } from "../state/cited.ts";
import { signed } from "../time.ts";
import { Changes } from "./Changes.tsx";
import { Decisions, Keywords, Questions, ToDo } from "./Items.tsx";
import { Icon } from "./icons.tsx";
import { People } from "./People.tsx";
import { Provenance } from "./Provenance.tsx";
import { goToOrdinal } from "./Rail.tsx";
import { SummaryText } from "./SummaryText.tsx";
import { TrendPlot, tone } from "./Trend.tsx";
import { Side } from "./landmarks.tsx";

export function SummaryPane({ talk }: { talk: Conversation }): JSX.Element {
  const at = route.value;
  const tab: Tab = at.name === "conversation" ? at.tab : "brief";
  return (
    <Side class="pane summary-pane" aria-label="Summary">
      <header class="pane-head">
        <h2>Summary</h2>
        <LiveDot talk={talk} />
        <SummarizeButton talk={talk} />
      </header>
      <div class="tabs" role="tablist" aria-label="Which summary" onKeyDown={(event) => arrows(event, tab)}>
        {TABS.map(([name, label]) => (
          <button
            type="button"
            role="tab"
            id={`tab-${name}`}
            aria-controls="summary-body"
            aria-selected={tab === name}
            tabIndex={tab === name ? 0 : -1}
            onClick={() => showTab(name)}
          >
            {label}
          </button>
        ))}
      </div>
      <div class="summary-body" id="summary-body" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
        {tab === "changes" ? <Changes talk={talk} /> : <Whole talk={talk} />}
      </div>
    </Side>
  );
}

const TABS: readonly [Tab, string][] = [
  ["brief", "Brief"],
  ["detailed", "Detailed"],
  ["changes", "Changes"],
];

function arrows(event: KeyboardEvent, tab: Tab): void {
  const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  if (by === 0) return;
  const now = TABS.findIndex(([name]) => name === tab);
  const next = TABS[(now + by + TABS.length) % TABS.length]?.[0];
  if (!next) return;
  showTab(next);
  document.getElementById(`tab-${next}`)?.focus();
}

const SAID = {
  connecting: ["wait", "connecting"],
  live: ["on", "live"],
  reconnecting: ["wait", "reconnecting"],
  ended: ["off", "ended"],
  refused: ["bad", "refused"],
  closed: ["off", "closed"],
} as const;

function LiveDot({ talk }: { talk: Conversation }): JSX.Element {
  const [kind, word] = SAID[talk.live.value];
  const version = talk.summary.value?.version;
  return (
    <span class="live small" role="status">
      {version !== undefined && <span class="version">v{version}</span>}
      <span class={`dot ${kind}`} aria-hidden="true" />
      {word}
    </span>
  );
}

function SummarizeButton({ talk }: { talk: Conversation }): JSX.Element {
  const busy = talk.asking.value;
  const wanted = talk.stale.value > 0;
  return (
    <button
      type="button"
      class={wanted ? "primary" : ""}
      disabled={busy || talk.messageCount.value === 0}
      title="Summarize now (s)"
      onClick={() => void talk.summarize()}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : <Icon name="spark" size={16} />}
      {busy ? "Summarizing…" : "Summarize"}
    </button>
  );
}

function Whole({ talk }: { talk: Conversation }): JSX.Element {
  const summary = talk.summary.value;
  const items = itemsOf(summary?.insights);
  const insights = talk.insights.value;
  const row = list.rowOf(talk.id);
  const trend = insights?.trend ?? row?.trend ?? [];
  const { messages } = talk.window;
  const score = summary?.insights.sentiment_score ?? insights?.sentiment_score;
  const keywords = summary?.insights.keywords ?? insights?.keywords ?? [];
  return (
    <>
      <SummaryText talk={talk} />
      <Provenance talk={talk} />
      <ToDo items={items.actions} known={summary !== null} />
      <Decisions items={items.decisions} />
      <Questions items={items.questions} />
      {(trend.length > 1 || score !== undefined) && (
        <section aria-labelledby="h-sentiment">
          <h3 id="h-sentiment">
            Sentiment
            {score !== undefined && <span class={`score ${tone(score)}`}>{moodWord(score)} {signed(score)}</span>}
          </h3>
          <TrendPlot
            trend={trend}
            messages={talk.messageCount.value}
            from={row?.first_at ?? (talk.window.atStart ? messages.value[0]?.timestamp : null)}
            to={row?.last_at ?? (talk.window.atEnd ? messages.value.at(-1)?.timestamp : null)}
            when={(ordinal) => messages.value[ordinal - talk.window.first.value]?.timestamp}
            onPick={(ordinal) => void talk.attempt(() => goToOrdinal(talk, ordinal))}
          />
        </section>
      )}
      <Keywords words={keywords} />
      <People people={talk.people.value} total={talk.peopleCount.value} messages={talk.messageCount.value} />
    </>
  );
}

function moodWord(score: number): string {
  const kind = tone(score);
  return kind === "glad" ? "positive" : kind === "sad" ? "negative" : "neutral";
}
