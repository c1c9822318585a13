// The page: list, conversation, summary; what a phone shows of them; what floats above.
import type { JSX } from "preact";
import { route } from "../route.ts";
import { drawer, listShown, narrow, pane, summaryShown, type Pane } from "../state/app.ts";
import { open } from "../state/conversation.ts";
import { Banner, Toasts } from "./Banner.tsx";
import { Dialogs } from "./Dialogs.tsx";
import { Icon, type IconName } from "./icons.tsx";
import { Page } from "./landmarks.tsx";
import { ListPane } from "./ListPane.tsx";
import { SummaryPane } from "./SummaryPane.tsx";
import { Talk } from "./Talk.tsx";
import { UserHistory } from "./UserHistory.tsx";
import { Welcome } from "./Welcome.tsx";

export function App(): JSX.Element {
  const at = route.value;
  const talk = open.value;
  const shape = ["app", `pane-${pane.value}`, `at-${at.name}`];
  if (!listShown.value) shape.push("no-list");
  if (!talk || !summaryShown.value) shape.push("no-summary");
  if (drawer.value) shape.push("drawer-open");
  return (
    <Page class={shape.join(" ")}>
      {narrow.value && pane.value !== "talk" && <h1 class="hidden">Recap</h1>}
      <a class="skip" href="#main" onClick={skip}>
        Skip to the conversation
      </a>
      <ListPane />
      <button type="button" class="scrim" aria-label="Close the list" tabIndex={-1} onClick={() => (drawer.value = false)} />
      {at.name === "user" ? (
        <UserHistory at={at} />
      ) : talk ? (
        <>
          <Talk key={talk.id} talk={talk} />
          <SummaryPane key={`summary of ${talk.id}`} talk={talk} />
        </>
      ) : (
        <Welcome />
      )}
      <Switch />
      <div class="floats">
        <Banner />
        <Toasts />
      </div>
      <Dialogs />
      <Announce />
    </Page>
  );
}

/** The fragment is the route here, so the link moves the focus itself. */
function skip(event: Event): void {
  event.preventDefault();
  const main = document.querySelector<HTMLElement>("#main .scroller") ?? document.getElementById("main");
  if (!main) return;
  if (!main.hasAttribute("tabindex")) main.tabIndex = -1;
  main.focus();
}

const PANES: readonly [Pane, string, IconName][] = [
  ["list", "Conversations", "list"],
  ["talk", "Messages", "talk"],
  ["summary", "Summary", "spark"],
];

function Switch(): JSX.Element {
  return (
    <nav class="switch" aria-label="Panes">
      {PANES.map(([name, label, icon]) => (
        <button
          type="button"
          key={name}
          aria-current={pane.value === name ? "true" : undefined}
          disabled={name === "summary" && !open.value}
          onClick={() => (pane.value = name)}
        >
          <Icon name={icon} />
          {label}
        </button>
      ))}
    </nav>
  );
}

/** For screen readers: a new version is said once, not read out whole. */
function Announce(): JSX.Element {
  const summary = open.value?.summary.value;
  return (
    <p class="hidden" role="status" aria-live="polite">
      {summary?.version === undefined ? "" : `Summary version ${summary.version}`}
    </p>
  );
}
