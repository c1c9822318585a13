//! Listening in the terminal, through a restart of the server, to the end of the conversation.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use shared_testkit::process::Launch;
use shared_testkit::{scenarios, wait};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::run;
use crate::{RECAP, Recap};

struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(url: &str, args: &[&str]) -> Result<Self> {
        let mut command = Command::new(RECAP);
        command.arg("watch").args(args).env_clear().env("RECAP_URL", url).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("no standard output")?).lines();
        Ok(Self { child, lines })
    }

    /// Frames until one of this type passes the test.
    async fn until(&mut self, kind: &str, test: impl Fn(&Value) -> bool) -> Result<Value> {
        let found = async {
            loop {
                let line = self.lines.next_line().await?.with_context(|| format!("no {kind} came"))?;
                let frame: Value = serde_json::from_str(&line)?;
                if frame["type"] == kind && test(&frame) {
                    return anyhow::Ok(frame);
                }
            }
        };
        tokio::time::timeout(wait::LIMIT, found).await.with_context(|| format!("waited in vain for {kind}"))?
    }

    async fn ended(mut self) -> Result<()> {
        let status = tokio::time::timeout(wait::LIMIT, self.child.wait()).await??;
        ensure!(status.success(), "{status}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_after_a_restart_and_ends_with_the_conversation() -> Result<()> {
    let recap = Recap::start().await?;
    let mut watching = Watching::start(&recap.server.url(""), &["live/1", "--json"])?;
    recap.client.say("live/1", &[("anna", "I will write the report by Friday.")]).await?;
    let first = watching.until("summary", |_| true).await?;
    ensure!(first["conversation_id"] == "live/1" && first["covers"]["messages"] == 1, "{first}");
    let address = recap.server.address().to_owned();
    recap.server.stop().await?;
    let launch = scenarios::settings(Launch::recap(RECAP, recap.data.path())).env("LISTEN_ADDR", address);
    let server = launch.start().await?;
    recap.client.say("live/1", &[("ben", "Thanks!")]).await?;
    let second = watching.until("summary", |frame| frame["covers"]["messages"] == 2).await?;
    ensure!(second["version"].as_u64() > first["version"].as_u64(), "{second}");
    recap.client.post("/chats/live%2F1/end", &serde_json::json!({})).await?.ok()?;
    watching.until("ended", |_| true).await?;
    watching.ended().await?;
    server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn once_shows_one_summary_for_people() -> Result<()> {
    let recap = Recap::start().await?;
    recap.client.say("c", &[("anna", "I will write the report by Friday.\u{1b}[2J")]).await?;
    recap.client.settled_summary("c").await?;
    let watching = Watching::start(&recap.server.url(""), &["c", "--once", "--summary-type", "detailed"])?;
    let output = tokio::time::timeout(wait::LIMIT, async {
        let Watching { mut child, mut lines } = watching;
        let mut text = String::new();
        while let Some(line) = lines.next_line().await? {
            text.push_str(&line);
        }
        ensure!(child.wait().await?.success());
        Ok(text)
    });
    let text = output.await??;
    ensure!(text.contains("version ") && text.contains("report") && !text.contains('\u{1b}'), "{text}");
    Ok(())
}

#[tokio::test]
async fn without_a_server_it_says_what_to_do() -> Result<()> {
    let limit = tokio::time::timeout(Duration::from_mins(1), run(&["watch", "c"]));
    let alone = limit.await??.exits(1)?;
    ensure!(alone.err.contains("recap serve"), "{}", alone.err);
    Ok(())
}
