// Nothing is open: what Recap is, and what to do first.
import type { JSX } from "preact";
import { key } from "../api/key.ts";
import { dialog } from "../state/app.ts";
import * as list from "../state/list.ts";
import { loadSample, posting } from "../state/sample.ts";
import { postLine } from "./curl.ts";
import { Icon } from "./icons.tsx";
import { CopyLine } from "./small.tsx";

export function Welcome(): JSX.Element {
  const waiting = list.loading.value && list.rows.value.length === 0;
  if (waiting) return <main class="pane welcome" id="main" aria-busy="true" />;
  const empty = list.rows.value.length === 0 && !list.search.value && !list.failure.value;
  return (
    <main class="pane welcome" id="main">
      <div class="welcome-body">{empty ? <First /> : <Choose />}</div>
    </main>
  );
}

function First(): JSX.Element {
  const line = postLine("team-sync");
  return (
    <>
      <h1>See what came out of every conversation</h1>
      <p class="lead">
        Recap keeps chat messages and a current summary of each conversation: what was decided, what is to be done and
        by whom, what is still open — each with the message where it was said.
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

function Choose(): JSX.Element {
  return (
    <>
      <h1>Choose a conversation</h1>
      <p class="lead">
        Press <kbd>j</kbd> for the first one, <kbd>/</kbd> to search, <kbd>?</kbd> for all keys.
      </p>
    </>
  );
}
