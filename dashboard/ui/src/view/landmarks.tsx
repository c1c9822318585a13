// The regions of the page. On a phone only one pane is there at a time, so the page itself is the main region.
import type { ComponentChildren, JSX } from "preact";
import { narrow } from "../state/app.ts";

interface Props {
  class?: string;
  children?: ComponentChildren;
  "aria-label"?: string;
  "aria-busy"?: boolean;
}

export function Page(props: Props): JSX.Element {
  return narrow.value ? <main {...props} /> : <div {...props} />;
}

export function Main(props: Props): JSX.Element {
  return narrow.value ? <section {...props} id="main" aria-label="Conversation" /> : <main {...props} id="main" />;
}

export function Side(props: Props): JSX.Element {
  return narrow.value ? <section {...props} /> : <aside {...props} />;
}
