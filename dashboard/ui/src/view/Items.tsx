// To do, decided, open, keywords: each item opens the messages that it was taken from.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { pointed, showEvidence } from "../state/app.ts";
import type { Item } from "../state/cited.ts";
import { plainName, plainText } from "../text.ts";
import { due } from "../time.ts";
import { Icon } from "./icons.tsx";

export function ToDo({ items, known }: { items: Item[]; known: boolean }): JSX.Element | null {
  if (!known) return null;
  const open = items.filter((item) => (item.status ?? "open") === "open");
  const closed = items.filter((item) => (item.status ?? "open") !== "open");
  return (
    <section aria-labelledby="h-todo">
      <h3 id="h-todo">
        To do <span class="tally">{open.length}</span>
      </h3>
      {items.length === 0 && <p class="none">Nobody has taken anything on.</p>}
      <ul class="items">
        {[...open, ...closed].map((item) => (
          <Entry key={item.key} item={item} task />
        ))}
      </ul>
    </section>
  );
}

export function Decisions({ items }: { items: Item[] }): JSX.Element | null {
  return <Findings id="h-decided" title="Decided" items={items} />;
}

export function Questions({ items }: { items: Item[] }): JSX.Element | null {
  return <Findings id="h-open" title="Open questions" items={items} />;
}

function Findings({ id, title, items }: { id: string; title: string; items: Item[] }): JSX.Element | null {
  if (items.length === 0) return null;
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>
        {title} <span class="tally">{items.length}</span>
      </h3>
      <ul class="items">
        {items.map((item) => (
          <Entry key={item.key} item={item} />
        ))}
      </ul>
    </section>
  );
}

const STATUS = { open: "To do", done: "Done", superseded: "Taken back" } as const;

function Entry({ item, task = false }: { item: Item; task?: boolean }): JSX.Element {
  const self = useRef<HTMLLIElement>(null);
  const status = item.status ?? "open";
  const evidence = item.evidence ?? [];
  const now = pointed.value === item.key;
  useEffect(() => {
    if (!now) return;
    self.current?.scrollIntoView({ block: "center" });
    self.current?.querySelector<HTMLElement>("button")?.focus({ preventScroll: true });
    const timer = setTimeout(() => (pointed.value = null), 2600);
    return () => clearTimeout(timer);
  }, [now]);
  return (
    <li ref={self} class={`item ${task ? status : "finding"}${now ? " marked" : ""}`}>
      {task && (
        <span class="box" role="img" aria-label={STATUS[status]} title={STATUS[status]}>
          {status === "done" && <Icon name="check" size={12} />}
          {status === "superseded" && <Icon name="close" size={10} />}
        </span>
      )}
      <div class="item-body">
        {evidence.length > 0 ? (
          <button type="button" class="item-text" dir="auto" onClick={() => showEvidence(evidence)}>
            {plainText(item.text)}
          </button>
        ) : (
          <span class="item-text" dir="auto">{plainText(item.text)}</span>
        )}
        <Facts item={item} evidence={evidence} />
      </div>
    </li>
  );
}

function Facts({ item, evidence }: { item: Item; evidence: readonly number[] }): JSX.Element | null {
  const when = typeof item.due === "string" ? { date: item.due, words: undefined } : item.due;
  const day = when ? due(when.date) : null;
  if (!item.owner && !day && evidence.length === 0) return null;
  return (
    <span class="item-facts small">
      {item.owner && <bdi class="owner">{plainName(item.owner)}</bdi>}
      {day && (
        <span class={day.late && (item.status ?? "open") === "open" ? "late" : undefined} title={when?.words ? `“${when.words}”` : undefined}>
          {day.text}
          {day.relative && <span class="dim"> {day.relative}</span>}
        </span>
      )}
      {evidence.map((seq) => (
        <button type="button" class="seq" key={seq} aria-label={`Show message ${seq}`} onClick={() => showEvidence([seq, ...evidence.filter((one) => one !== seq)])}>
          <Icon name="goto" size={12} />
          {seq}
        </button>
      ))}
    </span>
  );
}

export function Keywords({ words }: { words: string[] }): JSX.Element | null {
  if (words.length === 0) return null;
  return (
    <section aria-labelledby="h-words">
      <h3 id="h-words">Keywords</h3>
      <ul class="words">
        {words.map((word) => (
          <li key={word}>
            <bdi>{plainName(word)}</bdi>
          </li>
        ))}
      </ul>
    </section>
  );
}
