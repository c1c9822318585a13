// Small pieces that several panes use.
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import type { Failure } from "../api/client.ts";
import type { Sentiment } from "../types.ts";
import { plainName } from "../text.ts";
import { signed } from "../time.ts";
import { say } from "../state/toast.ts";
import { Icon, type IconName } from "./icons.tsx";

export function IconButton(props: {
  icon: IconName;
  label: string;
  onClick: () => void;
  pressed?: boolean;
  class?: string;
}): JSX.Element {
  return (
    <button
      type="button"
      class={`icon-button ${props.class ?? ""}`}
      aria-label={props.label}
      title={props.label}
      aria-pressed={props.pressed}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** A name or id that somebody chose: kept apart from the text around it, whatever direction it has. */
export function Name({ text }: { text: string }): JSX.Element {
  return (
    <bdi class="name" title={plainName(text)}>
      {plainName(text)}
    </bdi>
  );
}

/** The hue of a person: the same everywhere, far from the sentiment scale's meaning by its low chroma. */
export function hueOf(text: string): number {
  let hash = 2166136261;
  for (const unit of text) hash = Math.imul(hash ^ (unit.codePointAt(0) ?? 0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) % 18 * 20;
}

export function Avatar({ user }: { user: string }): JSX.Element {
  const first = [...user.replace(/^[^\p{L}\p{N}]+/u, "")][0] ?? "?";
  return (
    <span class="avatar" aria-hidden="true" style={{ "--hue": String(hueOf(user)) }}>
      {first.toLocaleUpperCase()}
    </span>
  );
}

export function sentimentWord(sentiment: Sentiment | undefined, score: number | undefined): string {
  const word = sentiment ?? "neutral";
  return score === undefined ? word : `${word} ${signed(score)}`;
}

export function CopyLine({ text, shown }: { text: string; shown?: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), 2000);
    } catch {
      say("The browser does not allow copying here: select the line instead.", "problem");
    }
  };
  return (
    <div class="copy-line">
      <code tabIndex={0} dir="ltr">
        {shown ?? text}
      </code>
      <button type="button" class="quiet" onClick={() => void copy()}>
        <Icon name={copied ? "check" : "copy"} size={16} />
        {copied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}

interface EmptyProps {
  title: string;
  children: ComponentChildren;
  icon?: IconName;
  /** Nothing above it has a heading. */
  first?: boolean;
}

export function Empty(props: EmptyProps): JSX.Element {
  return (
    <div class="empty">
      {props.icon && (
        <span class="empty-icon">
          <Icon name={props.icon} size={28} />
        </span>
      )}
      {props.first ? <h1>{props.title}</h1> : <h2>{props.title}</h2>}
      {props.children}
    </div>
  );
}

/** What went wrong in the server's own words, what to quote when asking about it, and the way on. */
export function Failed({ failure, again }: { failure: Failure | null; again: () => void }): JSX.Element {
  return (
    <>
      <p>{failure?.message}</p>
      {failure?.requestId && (
        <p class="small dim">
          Request <code>{failure.requestId}</code>
        </p>
      )}
      <button type="button" class="primary" onClick={again}>
        Try again
      </button>
    </>
  );
}

export function Skeleton({ lines }: { lines: number }): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} style={{ "--w": `${92 - ((index * 37) % 45)}%` }} />
      ))}
    </div>
  );
}
