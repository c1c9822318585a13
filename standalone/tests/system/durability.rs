//! A reply lies behind its fsync: seen from outside, in the order of system calls.

use anyhow::{Context, Result, ensure};
use shared_testkit::client::Client;
use shared_testkit::process::Launch;
use shared_testkit::wait;

use crate::RECAP;

/// Whether the machine can trace system calls; CI requires it.
pub(crate) fn can_trace() -> Result<bool> {
    let tried = std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    if tried.is_ok_and(|output| output.status.success()) {
        return Ok(true);
    }
    ensure!(std::env::var("REQUIRE_BACKENDS").as_deref() != Ok("1"), "REQUIRE_BACKENDS=1, and strace does not work");
    eprintln!("SKIPPED: strace does not work here");
    Ok(false)
}

/// What matters in a trace, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Written,
    Synced,
    Replied,
}

fn calls(trace: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    for line in trace.lines() {
        let sync = line.contains("fdatasync(") || line.contains("fsync(");
        if line.contains("pwrite64(") && line.contains("log.db-wal") {
            calls.push(Call::Written);
        } else if (sync && line.contains("log.db-wal") && !line.contains("unfinished")) || line.contains("sync resumed")
        {
            calls.push(Call::Synced);
        } else if line.contains("inserted_count") {
            calls.push(Call::Replied);
        }
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reply_lies_behind_an_fsync_of_the_log() -> Result<()> {
    if !can_trace()? {
        return Ok(());
    }
    let data = tempfile::tempdir()?;
    let trace = data.path().join("trace");
    let mut launch = Launch::recap("strace", data.path());
    for arg in ["-D", "-f", "-y", "-s", "400", "-e", "trace=pwrite64,fsync,fdatasync,sendto,write,writev,sendmsg", "-o"]
    {
        launch = launch.arg(arg);
    }
    let server = launch.arg(trace.display().to_string()).arg(RECAP).start().await?;
    let client = Client::new(server.address())?;
    for number in 0..5 {
        client.say("durable", &[("u", &format!("message {number}"))]).await?;
    }
    server.stop().await?;
    let calls = wait::until("the whole trace", || async {
        let calls = calls(&std::fs::read_to_string(&trace)?);
        let replies = calls.iter().filter(|call| **call == Call::Replied).count();
        Ok((replies == 5).then_some(calls))
    })
    .await
    .with_context(|| std::fs::read_to_string(&trace).unwrap_or_default())?;
    // Posts came one after the other, so between two replies the next message was written and then synced.
    for between in calls.split(|call| *call == Call::Replied).take(5) {
        let written = between.iter().position(|call| *call == Call::Written).context("nothing was written")?;
        ensure!(between[written..].contains(&Call::Synced), "a reply without an fsync before it: {calls:?}");
    }
    Ok(())
}
