// Two versions of a summary side by side in one text: what went, what came.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../api/client.ts";
import { diff, diffItems } from "../diff.ts";
import { go, route } from "../route.ts";
import { itemsOf } from "../state/cited.ts";
import type { Conversation } from "../state/conversation.ts";
import { readVersions, type Versions } from "../state/versions.ts";
import { count, moment, plural } from "../time.ts";
import type { Summary, SummaryType } from "../types.ts";
import { Failed, Skeleton } from "./small.tsx";

export function Changes({ talk }: { talk: Conversation }): JSX.Element {
  const [type, setType] = useState<SummaryType>("brief");
  const [versions, setVersions] = useState<Versions | Failure | null>(null);
  const [asked, ask] = useState(0);
  const newest = talk.summary.value?.version;
  useEffect(() => {
    const stop = new AbortController();
    readVersions(talk.id, type, 1, stop.signal).then(setVersions, (error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    return () => stop.abort();
  }, [talk.id, type, newest, asked]);
  if (!versions) return <Skeleton lines={6} />;
  if (versions instanceof Failure) return <Failed failure={versions} again={() => ask(asked + 1)} />;
  if (versions.list.length === 0) return <p class="none">No version yet: there is nothing to compare.</p>;
  const older = async (): Promise<void> => {
    const page = Math.floor(versions.list.length / 50) + 1;
    const more = await readVersions(talk.id, type, page, new AbortController().signal);
    if (more instanceof Failure) return setVersions(more);
    const known = new Set(versions.list.map((one) => one.version));
    setVersions({ ...more, list: [...versions.list, ...more.list.filter((one) => !known.has(one.version))] });
  };
  return (
    <>
      <div class="segmented" role="group" aria-label="Which text">
        {(["brief", "detailed"] as const).map((one) => (
          <button type="button" key={one} aria-pressed={type === one} onClick={() => setType(one)}>
            {one === "brief" ? "Brief" : "Detailed"}
          </button>
        ))}
      </div>
      <Compare list={versions.list} />
      {versions.total > versions.list.length && (
        <button type="button" class="quiet" onClick={() => void older()}>
          Load older versions ({count(versions.total - versions.list.length)})
        </button>
      )}
    </>
  );
}

function Compare({ list }: { list: Summary[] }): JSX.Element {
  const at = route.value;
  const wanted = at.name === "conversation" ? at : null;
  const to = list.find((one) => one.version === wanted?.to) ?? list[0];
  const after = to ? list.indexOf(to) : 0;
  const from = list.find((one) => one.version === wanted?.from) ?? list[Math.min(after + 1, list.length - 1)];
  if (!from || !to) return <p class="none">Nothing to compare.</p>;
  const choose = (end: "from" | "to", version: number): void => {
    if (!wanted) return;
    const next = { from: from.version ?? 0, to: to.version ?? 0, [end]: version };
    go({ ...wanted, tab: "changes", ...next }, "replace");
  };
  const same = from === to;
  return (
    <>
      <div class="compare">
        <Picker label="From" list={list} value={from} choose={(version) => choose("from", version)} />
        <Picker label="To" list={list} value={to} choose={(version) => choose("to", version)} />
      </div>
      {same ? (
        <p class="none">{list.length === 1 ? "This is the only version so far." : "The same version twice."}</p>
      ) : (
        <Difference from={from} to={to} />
      )}
    </>
  );
}

function Picker(props: {
  label: string;
  list: Summary[];
  value: Summary;
  choose: (version: number) => void;
}): JSX.Element {
  return (
    <label>
      {props.label}
      <select value={String(props.value.version)} onChange={(event) => props.choose(Number(event.currentTarget.value))}>
        {props.list.map((one) => (
          <option key={one.version} value={String(one.version)} selected={one === props.value}>
            v{one.version} · {moment(one.generated_at)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Difference({ from, to }: { from: Summary; to: Summary }): JSX.Element {
  const pieces = diff(from.summary, to.summary);
  const before = itemsOf(from.insights);
  const after = itemsOf(to.insights);
  const more = (to.covers?.messages ?? 0) - (from.covers?.messages ?? 0);
  return (
    <>
      <p class="small dim">
        {more === 0 ? "It covers the same messages." : `It covers ${plural(Math.abs(more), `${more > 0 ? "more" : "fewer"} message`)}.`}
      </p>
      <div class="diff" dir="auto">
        {pieces.map((piece, index) => {
          if (piece.kind === "added") return <ins key={index}>{piece.text}</ins>;
          if (piece.kind === "removed") return <del key={index}>{piece.text}</del>;
          return <span key={index}>{piece.text}</span>;
        })}
      </div>
      <ItemChanges title="To do" before={before.actions.map(said)} after={after.actions.map(said)} />
      <ItemChanges title="Decided" before={before.decisions.map(said)} after={after.decisions.map(said)} />
      <ItemChanges title="Open questions" before={before.questions.map(said)} after={after.questions.map(said)} />
    </>
  );
}

function said(item: { text: string; owner?: string | null; status?: string }): string {
  const status = item.status && item.status !== "open" ? ` (${item.status === "done" ? "done" : "taken back"})` : "";
  return `${item.owner ? `${item.owner}: ` : ""}${item.text}${status}`;
}

function ItemChanges({ title, before, after }: { title: string; before: string[]; after: string[] }): JSX.Element | null {
  const { added, removed } = diffItems(before, after);
  if (added.length + removed.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul class="diff-items">
        {removed.map((text) => (
          <li key={`-${text}`}>
            <del dir="auto">{text}</del>
          </li>
        ))}
        {added.map((text) => (
          <li key={`+${text}`}>
            <ins dir="auto">{text}</ins>
          </li>
        ))}
      </ul>
    </section>
  );
}
