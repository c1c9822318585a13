// The real binary as a child: data in a temporary folder, the link it prints, kill and start again on the same port.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START = 60_000;

export class Recap {
  constructor(binary) {
    this.binary = binary;
    this.data = mkdtempSync(join(tmpdir(), "recap-browser-"));
    this.address = "127.0.0.1:0";
    this.key = null;
  }

  get origin() {
    return `http://${this.address}`;
  }

  /** Waits for the start line; the first start also prints the link that opens the dashboard with a key. */
  async start() {
    this.child = spawn(this.binary, [], {
      stdio: ["ignore", "ignore", "pipe"],
      cwd: this.data,
      env: {
        PATH: process.env.PATH,
        LISTEN_ADDR: this.address,
        STORE_URL: `embedded:${join(this.data, "data")}`,
        SUMMARY_IDLE: "2s",
        SUMMARY_MIN_INTERVAL: "1s",
        LOG_FORMAT: "pretty",
      },
    });
    this.gone = new Promise((done) => this.child.once("exit", done));
    let said = "";
    await new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`${this.binary} did not start:\n${said}`)), START);
      this.child.once("error", fail);
      this.child.once("exit", (code) => fail(new Error(`${this.binary} ended with ${code}:\n${said}`)));
      this.child.stderr.on("data", (part) => {
        said = (said + part).slice(-20_000);
        this.link ??= /http:\/\/\S+\/#key=(\S+)/.exec(said)?.[0];
        const listening = /listening on http:\/\/([\d.:]+)/.exec(said);
        if (!listening) return;
        clearTimeout(timer);
        this.address = listening[1];
        done();
      });
    });
    this.key ??= this.link?.split("#key=")[1];
    return this;
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
