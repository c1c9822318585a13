// Nothing is open: what Recap is, and what to do first.
import type { JSX } from "preact";
import { key } from "../api/key.ts";
import { dialog } from "../state/app.ts";
import * as list from "../state/list.ts";
import { lastVisit, unread } from "../state/seen.ts";
import { loadSample, posting } from "../state/sample.ts";
import type { ConversationRow } from "../types.ts";
import { postLine } from "./curl.ts";
import { Icon } from "./icons.tsx";
import { Row } from "./ListPane.tsx";
import { CopyLine, Empty, Failed } from "./small.tsx";
import { Main } from "./landmarks.tsx";

export function Welcome(): JSX.Element {
  const waiting = list.loading.value && list.rows.value.length === 0;
  if (waiting) return <Main class="pane welcome" aria-busy={true} />;
  if (list.failure.value && list.rows.value.length === 0) return <Refused />;
  const empty = list.rows.value.length === 0 && !list.search.value && !list.failure.value;
  return (
    <Main class="pane welcome">
      <div class="welcome-body">{empty ? <First /> : <Choose />}</div>
    </Main>
  );
}

function First(): JSX.Element {
  const line = postLine("team-sync");
  return (
    <>
      <h1>See what came out of every conversation</h1>
      <p class="lead">
        Recap keeps chat messages and a current summary of each conversation: what was decided, what is to be done and
        by whom, what is still open. Each item leads to the message that says so.
      </p>
      <div class="starts">
        <section class="start">
          <Icon name="spark" size={24} />
          <h2>Look at a sample</h2>
          <p>Four people settle a product launch in 26 messages. Watch them come in and be summarized.</p>
          <button type="button" class="primary" disabled={posting.value} onClick={() => void loadSample()}>
            {posting.value ? "Posting…" : "Load the sample"}
          </button>
        </section>
        <section class="start">
          <Icon name="code" size={24} />
          <h2>Post your own</h2>
          <p>One request stores messages; the conversation appears here by itself.</p>
          <CopyLine text={line.text} shown={line.shown} />
        </section>
      </div>
      {!key.value && (
        <p class="small dim">
          You are here without a key, with 10 requests a minute.{" "}
          <button type="button" class="link" onClick={() => (dialog.value = "key")}>
            Enter a key
          </button>
        </p>
      )}
    </>
  );
}

/** What is new for this reader, from what the list says anyway. */
function Choose(): JSX.Element {
  const fresh = list.rows.value.filter((row) => unread(row) > 0);
  const stale = list.rows.value.filter((row) => (row.stale_messages ?? 0) > 0 && unread(row) === 0);
  return (
    <>
      <h1>{heading(fresh.length)}</h1>
      <Few rows={fresh} />
      {stale.length > 0 && <h2>Messages that no summary covers yet</h2>}
      <Few rows={stale} />
      <p class="dim">
        Press <kbd>j</kbd> for the first conversation, <kbd>/</kbd> to search, <kbd>?</kbd> for all keys.
      </p>
    </>
  );
}

function heading(fresh: number): string {
  if (lastVisit === 0) return "Choose a conversation";
  return fresh > 0 ? "New since you were here" : "Nothing new since you were here";
}

function Few({ rows }: { rows: ConversationRow[] }): JSX.Element | null {
  if (rows.length === 0) return null;
  return (
    <ul class="history">
      {rows.slice(0, 6).map((row) => (
        <Row key={row.conversation_id} row={row} />
      ))}
    </ul>
  );
}

/** The list cannot be had: for want of a key, or for another reason, which another key would not mend. */
function Refused(): JSX.Element {
  const failure = list.failure.value;
  if (failure && failure.status !== 401 && failure.status !== 403) {
    return (
      <Main class="pane welcome">
        <Empty first title="The conversations cannot be shown" icon="list">
          <Failed failure={failure} again={() => void list.refresh()} />
        </Empty>
      </Main>
    );
  }
  return (
    <Main class="pane welcome">
      <Empty first title={key.value ? "This key opens nothing here" : "The conversations cannot be shown"} icon="key">
        <p>{failure?.message}</p>
        <button type="button" class="primary" onClick={() => (dialog.value = "key")}>
          {key.value ? "Use another key" : "Enter a key"}
        </button>
      </Empty>
    </Main>
  );
}
