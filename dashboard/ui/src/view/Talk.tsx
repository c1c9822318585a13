// The middle pane: the head of the conversation, and its messages.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import * as list from "../state/list.ts";
import { dialog, drawer, listShown, narrow, pane, summaryShown } from "../state/app.ts";
import type { Conversation } from "../state/conversation.ts";
import { plural } from "../time.ts";
import { postLine } from "./curl.ts";
import { Icon } from "./icons.tsx";
import { CopyLine, Empty, Failed, IconButton, Name, Skeleton } from "./small.tsx";
import { Timeline } from "./Timeline.tsx";
import { Main } from "./landmarks.tsx";

export function Talk({ talk }: { talk: Conversation }): JSX.Element {
  return (
    <Main class="pane talk-pane">
      <Head talk={talk} />
      <Body talk={talk} />
    </Main>
  );
}

function Head({ talk }: { talk: Conversation }): JSX.Element {
  const people = talk.peopleCount.value;
  const messages = talk.messageCount.value;
  // While they are on their way, the list knows how many there will be.
  const told = messages || (talk.status.value === "loading" ? (list.rowOf(talk.id)?.message_count ?? 0) : 0);
  return (
    <header class="pane-head talk-head">
      <ListButton />
      <div class="talk-title">
        <h1>
          <Name text={talk.id} />
        </h1>
        <p class="small dim">
          {people > 0 && <span>{plural(people, "person", "people")}</span>}
          {told > 0 && <span>{plural(told, "message")}</span>}
          {talk.ended.value && <span>ended</span>}
        </p>
      </div>
      <JumpToDate talk={talk} />
      <IconButton icon="code" label="Use it from a terminal" onClick={() => (dialog.value = "curl")} />
      {!talk.ended.value && messages > 0 && (
        <IconButton icon="end" label="End the conversation" onClick={() => (dialog.value = "end")} />
      )}
      <IconButton
        class="to-summary"
        icon="panel"
        label={summaryShown.value ? "Hide the summary (])" : "Show the summary (])"}
        onClick={() => (summaryShown.value = !summaryShown.value)}
      />
    </header>
  );
}

export function ListButton(): JSX.Element {
  const label = listShown.value ? "Hide the conversations ([)" : "Show the conversations ([)";
  return <IconButton class="to-list" icon="list" label={label} onClick={toggleList} />;
}

function toggleList(): void {
  if (matchMedia("(max-width: 1099px)").matches) {
    drawer.value = !drawer.value;
    if (narrow.value) pane.value = "list";
  } else listShown.value = !listShown.value;
}

function JumpToDate({ talk }: { talk: Conversation }): JSX.Element | null {
  const [shown, setShown] = useState(false);
  if (talk.messageCount.value === 0) return null;
  const jump = (event: SubmitEvent): void => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem("day") as HTMLInputElement;
    if (!field.value) return;
    setShown(false);
    const moment = new Date(`${field.value}T00:00`).toISOString();
    void talk.attempt(() => talk.goToMoment(moment));
  };
  return (
    <div class="jump">
      <button
        type="button"
        class="icon-button"
        aria-expanded={shown}
        aria-label="Go to a date"
        title="Go to a date"
        onClick={() => setShown(!shown)}
      >
        <Icon name="calendar" />
      </button>
      {shown && (
        <form class="pop" onSubmit={jump} onKeyDown={(event) => event.key === "Escape" && setShown(false)}>
          <label>
            Go to the first message of
            <input type="date" name="day" required autofocus />
          </label>
          <button type="submit" class="primary">
            Go
          </button>
        </form>
      )}
    </div>
  );
}

function Body({ talk }: { talk: Conversation }): JSX.Element {
  const status = talk.status.value;
  if (status === "loading") {
    return (
      <div class="talk-loading">
        <Skeleton lines={14} />
      </div>
    );
  }
  if (status === "missing") return <Missing id={talk.id} />;
  if (status === "failed") {
    return (
      <Empty title="This conversation cannot be shown" icon="talk">
        <Failed failure={talk.failure.value} again={() => void talk.open()} />
      </Empty>
    );
  }
  return <Timeline talk={talk} />;
}

function Missing({ id }: { id: string }): JSX.Element {
  const line = postLine(id);
  return (
    <Empty title="No messages here yet" icon="talk">
      <p>
        There is no conversation <Name text={id} /> for you yet. This page is listening: the first message opens it.
      </p>
      <CopyLine text={line.text} shown={line.shown} />
    </Empty>
  );
}
