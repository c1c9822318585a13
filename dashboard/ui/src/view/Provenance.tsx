// One small line that says what the summary covers and who made it; opens to the details.
import type { JSX } from "preact";
import type { Conversation } from "../state/conversation.ts";
import { count, exact, moment, plural } from "../time.ts";

export function Provenance({ talk }: { talk: Conversation }): JSX.Element | null {
  const summary = talk.summary.value;
  if (talk.liveError.value) {
    return (
      <p class="provenance small warn" role="status">
        {talk.liveError.value.error}
      </p>
    );
  }
  if (!summary) return null;
  const { covers } = summary;
  const stale = talk.stale.value;
  const all = stale === 0;
  return (
    <details class="provenance small">
      <summary>
        {covers ? (
          <span>
            {all ? "Covers all " : "Covers "}
            {plural(covers.messages, "message")}
          </span>
        ) : (
          <span>Made {moment(summary.generated_at)}</span>
        )}
        {!all && <span class="warn">{count(stale)} newer left out</span>}
        {summary.degraded && <span class="warn">fallback engine</span>}
      </summary>
      <dl>
        {covers && (
          <>
            <dt>Messages</dt>
            <dd>
              number {count(covers.first_seq)} to {count(covers.last_seq)}
            </dd>
          </>
        )}
        <dt>Made</dt>
        <dd title={summary.generated_at}>{exact(summary.generated_at)}</dd>
        {summary.engine && (
          <>
            <dt>Engine</dt>
            <dd>
              <bdi>{summary.engine}</bdi>
              {summary.degraded && ", because the chosen model did not answer; it is redone when that is back"}
            </dd>
          </>
        )}
        {covers?.digest && (
          <>
            <dt>Proof</dt>
            <dd>
              <code title={`Digest over all covered messages: ${covers.digest}`}>{covers.digest.slice(0, 16)}…</code>
            </dd>
          </>
        )}
      </dl>
    </details>
  );
}
