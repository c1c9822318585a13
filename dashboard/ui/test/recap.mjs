// The real binary as a child: data in a temporary folder, the link it prints, kill and start again on the same port.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const START = 60_000;
const COMMAND = 60_000;
/** Summaries sooner than people need them. */
const HASTY = { SUMMARY_IDLE: "2s", SUMMARY_MIN_INTERVAL: "1s" };

export class Recap {
  /** With settings of its own; an empty list is what a new user has. */
  constructor(binary, settings = HASTY) {
    this.binary = binary;
    this.settings = settings;
    this.data = mkdtempSync(join(tmpdir(), "recap-browser-"));
    this.address = "127.0.0.1:0";
    this.key = null;
  }

  get origin() {
    return `http://${this.address}`;
  }

  /** As the link names it: the key is kept for that name. */
  get home() {
    return new URL(this.link).origin;
  }

  /** Waits for the start line; the first start also prints the link that opens the dashboard with a key. */
  async start() {
    this.said = "";
    this.child = spawn(this.binary, [], {
      stdio: ["ignore", "ignore", "pipe"],
      cwd: this.data,
      env: {
        PATH: process.env.PATH,
        LISTEN_ADDR: this.address,
        ...this.settings,
        LOG_FORMAT: "pretty",
      },
    });
    this.gone = new Promise((done) => this.child.once("exit", done));
    await new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`${this.binary} did not start:\n${this.said}`)), START);
      this.child.once("error", fail);
      this.child.once("exit", (code) => fail(new Error(`${this.binary} ended with ${code}:\n${this.said}`)));
      this.child.stderr.on("data", (part) => {
        this.said = (this.said + part).slice(-20_000);
        this.link ??= /http:\/\/\S+\/#key=(\S+)/.exec(this.said)?.[0];
        const listening = /listening on http:\/\/([\d.:]+)/.exec(this.said);
        if (!listening) return;
        clearTimeout(timer);
        this.address = listening[1];
        done();
      });
    });
    this.key ??= this.link?.split("#key=")[1];
    return this;
  }

  /** A line of a shell, in the folder of the server and with `recap` in the path: what it printed. */
  async shell(line) {
    const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-euo", "pipefail", "-c", line], {
      cwd: this.data,
      timeout: COMMAND,
      env: { PATH: `${dirname(this.binary)}:${process.env.PATH}`, LISTEN_ADDR: this.address },
    });
    return `${stderr}${stdout}`;
  }

  /** As a person ends it; answers the exit code. */
  async stop() {
    await this.kill("SIGTERM");
    return this.child.exitCode;
  }

  async kill(signal = "SIGKILL") {
    this.child.kill(signal);
    await this.gone;
  }

  async remove() {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.kill();
    rmSync(this.data, { recursive: true, force: true });
  }
}
