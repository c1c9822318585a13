// The dashboard: begins here.
import { render } from "preact";
import "./style/base.css";
import "./style/panes.css";
import "./style/timeline.css";
import "./style/summary.css";
import "./style/floats.css";
import { start } from "./state/app.ts";
import { listenToKeys } from "./state/keys.ts";
import { App } from "./view/App.tsx";

const root = document.getElementById("app");
if (root) {
  start();
  listenToKeys();
  render(<App />, root);
}
