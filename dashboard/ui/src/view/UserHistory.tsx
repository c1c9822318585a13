// What one person took part in, with a date filter.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure, call } from "../api/client.ts";
import { formatRoute, go, type Route } from "../route.ts";
import { plainName, plainText } from "../text.ts";
import { exact, plural, short } from "../time.ts";
import type { History, HistoryRow } from "../types.ts";
import { ListButton } from "./Talk.tsx";
import { Avatar, Empty, Failed, Name, Skeleton } from "./small.tsx";
import { Main } from "./landmarks.tsx";

type UserRoute = Extract<Route, { name: "user" }>;
const LIMIT = 20;

export function UserHistory({ at }: { at: UserRoute }): JSX.Element {
  const [found, setFound] = useState<History | Failure | null>(null);
  const [asked, ask] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setFound(null);
    call<History>(`/users/${encodeURIComponent(at.id)}/chats`, {
      query: { page: at.page, limit: LIMIT, start_date: at.from || undefined, end_date: at.to || undefined },
      signal: stop.signal,
    }).then(setFound, (error: unknown) => {
      if (error instanceof Failure) setFound(error);
      else if (!stop.signal.aborted) throw error;
    });
    return () => stop.abort();
  }, [at.id, at.from, at.to, at.page, asked]);
  return (
    <Main class="pane user-pane">
      <header class="pane-head">
        <ListButton />
        <Avatar user={at.id} />
        <div class="talk-title">
          <h1>
            <Name text={at.id} />
          </h1>
          <p class="small dim">
            {found && !(found instanceof Failure) ? plural(found.total_conversations, "conversation") : "\u00a0"}
          </p>
        </div>
      </header>
      <div class="user-body">
        <Filter at={at} />
        <Found at={at} found={found} again={() => ask(asked + 1)} />
      </div>
    </Main>
  );
}

function Filter({ at }: { at: UserRoute }): JSX.Element {
  const set = (end: "from" | "to", value: string): void => go({ ...at, [end]: value, page: 1 }, "replace");
  return (
    <form class="filter" aria-label="Active between" onSubmit={(event) => event.preventDefault()}>
      <label>
        Active from
        <input type="date" value={at.from} max={at.to || undefined} onChange={(event) => set("from", event.currentTarget.value)} />
      </label>
      <label>
        until
        <input type="date" value={at.to} min={at.from || undefined} onChange={(event) => set("to", event.currentTarget.value)} />
      </label>
      {(at.from || at.to) && (
        <button type="button" class="quiet" onClick={() => go({ ...at, from: "", to: "", page: 1 }, "replace")}>
          Any time
        </button>
      )}
    </form>
  );
}

interface FoundProps {
  at: UserRoute;
  found: History | Failure | null;
  again: () => void;
}

function Found({ at, found, again }: FoundProps): JSX.Element {
  if (!found) return <Skeleton lines={8} />;
  if (found instanceof Failure) {
    return (
      <Empty title="This history cannot be shown" icon="people">
        <Failed failure={found} again={again} />
      </Empty>
    );
  }
  if (found.conversations.length === 0) {
    const filtered = at.from || at.to;
    return (
      <Empty title="Nothing here" icon="people">
        <p>
          <Name text={at.id} /> {filtered ? "was in no conversation in these days." : "has not posted in any conversation."}
        </p>
        {filtered && (
          <button type="button" onClick={() => go({ ...at, from: "", to: "", page: 1 }, "replace")}>
            Show any time
          </button>
        )}
      </Empty>
    );
  }
  const pages = Math.max(1, Math.ceil(found.total_conversations / LIMIT));
  return (
    <>
      <ul class="history">
        {found.conversations.map((row) => (
          <Row key={row.conversation_id} row={row} user={at.id} />
        ))}
      </ul>
      {pages > 1 && (
        <nav class="pager" aria-label="Pages">
          <button type="button" disabled={at.page <= 1} onClick={() => go({ ...at, page: at.page - 1 })}>
            Newer
          </button>
          <span class="small">
            Page {at.page} of {pages}
          </span>
          <button type="button" disabled={at.page >= pages} onClick={() => go({ ...at, page: at.page + 1 })}>
            Older
          </button>
        </nav>
      )}
    </>
  );
}

function Row({ row, user }: { row: HistoryRow; user: string }): JSX.Element {
  const { latest } = row;
  return (
    <li>
      <a href={formatRoute({ name: "conversation", id: row.conversation_id, tab: "brief" })} class="row">
        <span class="row-top">
          <span class="row-title">
            <Name text={row.conversation_id} />
          </span>
          <time class="small" dateTime={row.timestamp} title={exact(row.timestamp)}>
            {short(row.timestamp)}
          </time>
        </span>
        <span class="row-last">
          <bdi>{plainText(row.last_message)}</bdi>
        </span>
        <span class="row-facts small">
          {row.message_count !== undefined && (
            <span>
              {plural(row.message_count, "message")} by <bdi>{plainName(user)}</bdi>
            </span>
          )}
          {latest && latest.user_id !== user && (
            <span class="dim">
              last <bdi>{plainName(latest.user_id)}</bdi>, {short(latest.timestamp)}
            </span>
          )}
        </span>
      </a>
    </li>
  );
}
