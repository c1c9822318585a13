// One message. Its text is shown as text, whatever it holds; only http links become links.
import { Component, type ComponentChild, type JSX } from "preact";
import { useState } from "preact/hooks";
import { openUser } from "../state/app.ts";
import { plainName, plainText } from "../text.ts";
import { count, dayName, exact, timeOfDay } from "../time.ts";
import type { Message } from "../types.ts";
import { Icon } from "./icons.tsx";
import { Avatar } from "./small.tsx";

/** Characters and lines of a message that are shown before "Show all". */
const LONG = 1400;
const LINES = 16;

export interface Cited {
  key: string;
  label: string;
}

interface Props {
  message: Message;
  /** Starts a new group: shows who wrote it. */
  head: boolean;
  /** Starts a new day. */
  day: boolean;
  place: number;
  total: number;
  cited: Cited | undefined;
  marked: boolean;
  onCited: (key: string) => void;
}

export class MessageRow extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const now = this.props;
    // Places and totals move with every page; a row is drawn anew only for what is seen.
    return (
      next.message !== now.message ||
      next.head !== now.head ||
      next.day !== now.day ||
      next.marked !== now.marked ||
      next.cited?.key !== now.cited?.key ||
      next.place !== now.place
    );
  }

  render({ message, head, day, place, total, cited, marked, onCited }: Props): ComponentChild {
    const { user_id: user, timestamp } = message;
    return (
      <article
        class={`message${head ? " head" : ""}${marked ? " marked" : ""}`}
        data-seq={message.seq}
        tabIndex={-1}
        aria-posinset={place + 1}
        aria-setsize={total}
        aria-label={`${plainName(user)}, ${timeOfDay(timestamp)}`}
      >
        {day && (
          <div class="day">
            <span>{dayName(timestamp)}</span>
          </div>
        )}
        {head && (
          <div class="who">
            <Avatar user={user} />
            <button type="button" class="person" onClick={() => openUser(user)} title={`History of ${plainName(user)}`}>
              <bdi>{plainName(user)}</bdi>
            </button>
            <time class="small dim" dateTime={timestamp} title={`${exact(timestamp)} · message ${message.seq}`}>
              {timeOfDay(timestamp)}
            </time>
          </div>
        )}
        {!head && (
          <time class="small dim side-time" dateTime={timestamp} title={`${exact(timestamp)} · message ${message.seq}`}>
            {timeOfDay(timestamp)}
          </time>
        )}
        <Content text={plainText(message.content)} />
        {message.edited_at && (
          <span class="small dim" title={exact(message.edited_at)}>
            edited
          </span>
        )}
        {cited && (
          <button type="button" class="cited" onClick={() => onCited(cited.key)} title="Show it in the summary">
            <Icon name="goto" size={14} />
            {cited.label}
          </button>
        )}
      </article>
    );
  }
}

function Content({ text }: { text: string }): JSX.Element {
  const [all, setAll] = useState(false);
  const cut = all ? text.length : cutAt(text);
  const long = cut < text.length;
  return (
    <>
      <div class="content" dir="auto">
        <Linked text={long ? text.slice(0, cut) : text} />
        {long && "…"}
      </div>
      {(long || all) && (
        <button type="button" class="quiet show-all" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Show less" : `Show all ${count([...text].length)} characters`}
        </button>
      )}
    </>
  );
}

function cutAt(text: string): number {
  let lines = 0;
  const most = Math.min(text.length, LONG);
  for (let at = 0; at < most; at += 1) {
    if (text.charCodeAt(at) === 10 && ++lines === LINES) return at;
  }
  if (text.length <= LONG + 200) return text.length;
  // Not between the halves of one character.
  const unit = text.charCodeAt(LONG);
  return unit >= 0xdc00 && unit <= 0xdfff ? LONG + 1 : LONG;
}

const LINK = /https?:\/\/[^\s<>"'\u2028\u2029\u202a-\u202e\u2066-\u2069]{1,500}/g;

function Linked({ text }: { text: string }): JSX.Element {
  if (!text.includes("://")) return <>{text}</>;
  const parts: ComponentChild[] = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const link = match[0].replace(/[.,;:!?)\]]+$/, "");
    if (!URL.canParse(link)) continue;
    parts.push(text.slice(from, match.index));
    parts.push(
      <a href={link} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">
        {link}
      </a>,
    );
    from = match.index + link.length;
  }
  parts.push(text.slice(from));
  return <>{parts}</>;
}
