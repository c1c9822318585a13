// The left pane: search, the conversations, and who is asking.
import type { JSX } from "preact";
import { key, maskedKey } from "../api/key.ts";
import { formatRoute, go, route } from "../route.ts";
import { dialog, drawer, pane, theme, type Theme } from "../state/app.ts";
import * as list from "../state/list.ts";
import { unread } from "../state/seen.ts";
import { plainName, plainText } from "../text.ts";
import { count, exact, plural, short } from "../time.ts";
import type { ConversationRow } from "../types.ts";
import { Icon, Mark, type IconName } from "./icons.tsx";
import { IconButton, Name, Skeleton, sentimentWord } from "./small.tsx";
import { Sparkline } from "./Trend.tsx";
import { Side } from "./landmarks.tsx";

export function ListPane(): JSX.Element {
  return (
    <Side class="pane list-pane" aria-label="Conversations">
      <header class="pane-head">
        <a class="brand" href="#/" onClick={() => (drawer.value = false)}>
          <Mark />
          Recap
        </a>
        <ThemeButton />
        <IconButton icon="help" label="Keys and help (?)" onClick={() => (dialog.value = "help")} />
      </header>
      <SearchBox />
      <Rows />
      <Caller />
    </Side>
  );
}

const NEXT: Record<Theme, [Theme, IconName, string]> = {
  auto: ["light", "auto", "Theme: as the system"],
  light: ["dark", "sun", "Theme: light"],
  dark: ["auto", "moon", "Theme: dark"],
};

function ThemeButton(): JSX.Element {
  const [next, icon, label] = NEXT[theme.value];
  return <IconButton icon={icon} label={label} onClick={() => (theme.value = next)} />;
}

function SearchBox(): JSX.Element {
  return (
    <div class="search" role="search">
      <Icon name="search" size={16} />
      <input
        id="search"
        type="search"
        placeholder="Search by id"
        aria-label="Search conversations by id"
        autocomplete="off"
        spellcheck={false}
        dir="auto"
        value={list.search.value}
        onInput={(event) => list.searchFor(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") list.searchFor("");
          if (event.key === "Enter") openFirst();
        }}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  );
}

function openFirst(): void {
  const first = list.rows.value[0];
  if (first) go({ name: "conversation", id: first.conversation_id, tab: "brief" });
}

function Rows(): JSX.Element {
  const rows = list.rows.value;
  const searched = list.search.value.trim();
  if (list.failure.value && rows.length === 0) {
    return (
      <div class="list-note" role="status">
        <p>{list.failure.value.message}</p>
        <button type="button" onClick={() => void list.refresh()}>
          Try again
        </button>
      </div>
    );
  }
  if (list.loading.value && rows.length === 0) return <div class="rows"><Skeleton lines={9} /></div>;
  if (rows.length === 0) {
    return (
      <div class="list-note" role="status">
        <p>{searched ? "No conversation has this in its id." : "No conversations yet."}</p>
        {searched && (
          <button type="button" onClick={() => list.searchFor("")}>
            Clear the search
          </button>
        )}
      </div>
    );
  }
  return (
    <nav class="rows" aria-label="Conversations" onScroll={nearEnd}>
      <ul>
        {rows.map((row) => (
          <Row key={row.conversation_id} row={row} />
        ))}
      </ul>
      {list.failure.value && <p class="list-end warn" role="status">{list.failure.value.message}</p>}
      {list.hasMore.value && (
        <button type="button" class="quiet wide" onClick={() => void list.more()}>
          More conversations
        </button>
      )}
      {!searched && list.total.value !== null && rows.length > 8 && !list.hasMore.value && (
        <p class="list-end">{plural(list.total.value, "conversation")}</p>
      )}
    </nav>
  );
}

function nearEnd(event: Event): void {
  const box = event.currentTarget as HTMLElement;
  if (box.scrollHeight - box.scrollTop - box.clientHeight < 400) void list.more();
}

export function Row({ row }: { row: ConversationRow }): JSX.Element {
  const at = route.value;
  const id = row.conversation_id;
  const current = at.name === "conversation" && at.id === id;
  const fresh = unread(row);
  const last = row.last_message;
  return (
    <li>
      <a
        class="row"
        data-row={id}
        href={formatRoute({ name: "conversation", id, tab: "brief" })}
        aria-current={current ? "page" : undefined}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          pane.value = "talk";
          go({ name: "conversation", id, tab: "brief" });
        }}
      >
        <span class="row-top">
          <span class="row-title">
            <Name text={id} />
          </span>
          {row.last_at && (
            <time class="small" dateTime={row.last_at} title={exact(row.last_at)}>
              {short(row.last_at)}
            </time>
          )}
        </span>
        {last && (
          <span class="row-last">
            <bdi>{plainName(last.user_id)}</bdi>: <bdi>{plainText(last.content)}</bdi>
          </span>
        )}
        <span class="row-facts small">
          {fresh > 0 && <span class="badge">{count(fresh)} new</span>}
          {fresh < row.message_count && <span>{plural(row.message_count, "message")}</span>}
          <Standing row={row} />
          <Sparkline trend={row.trend ?? []} label={`Sentiment ${sentimentWord(row.sentiment, row.sentiment_score)}`} />
        </span>
      </a>
    </li>
  );
}

function Standing({ row }: { row: ConversationRow }): JSX.Element | null {
  const stale = row.stale_messages ?? 0;
  if (!row.summary_version) return <span class="dim">not summarized</span>;
  if (stale > 0) {
    return (
      <span class="stale" title={`The summary does not cover ${plural(stale, "message")} yet`}>
        {count(stale)} behind
      </span>
    );
  }
  return row.ended ? <span class="dim">ended</span> : null;
}

function Caller(): JSX.Element {
  return (
    <footer class="caller small">
      <button type="button" class="quiet wide" onClick={() => (dialog.value = "key")}>
        <Icon name="key" size={16} />
        {key.value ? (
          <span>
            Key <code>{maskedKey.value}</code>
          </span>
        ) : (
          <span>
            Anonymous <span class="dim">· 10 requests a minute</span>
          </span>
        )}
      </button>
    </footer>
  );
}
