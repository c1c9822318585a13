//! (g) From nothing to ready, memory at rest, and views made anew from the log.
//!
//! Law: ready is what `/readyz` says, and caught up is when the views have every message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Findings;
use crate::load::{Connection, End, Traffic, median, traffic};
use crate::recap::{Bench, Recap};
use crate::table::{Figure, Row, Unit};

const STARTS: usize = 5;
/// How long a server rests before its memory is looked at.
const REST: Duration = Duration::from_secs(3);
/// How long it may take to become ready, to load, or to catch up.
const LIMIT: Duration = Duration::from_mins(5);
const MIB: f64 = 1024.0 * 1024.0;

pub(super) async fn run(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let mut starts = Vec::new();
    for _ in 0..bench.options.or_quick(STARTS, 1) {
        let recap = bench.recap(&[]).await?;
        starts.push(ready(&recap).await?.as_secs_f64() * 1000.0);
        recap.stop().await?;
    }
    findings.row(Row::at_most('g', "cold start to ready, median", Figure(median(&starts), Unit::Millis), 100.0));

    let mut recap = bench.recap(&[]).await?;
    tokio::time::sleep(bench.options.or_quick(REST, Duration::ZERO)).await;
    if let Some(memory) = recap.memory()? {
        findings.row(Row::at_most('g', "idle RSS", Figure(memory.now as f64, Unit::Bytes), 30.0 * MIB));
    }

    let messages = bench.options.or_quick(2_000_000, 10_000);
    let traffic = Arc::new(Traffic::posts("start", 1000, 100, 1));
    let load = bench.load(recap.address(), &traffic, End::Messages { messages, within: LIMIT });
    recap.run(&load).await?;
    recap.catch_up(LIMIT).await?;
    let posted = recap.posted;
    let data = recap.stop().await?;
    remove_views(data.path())?;

    let mut recap = bench.recap_on(data, &[]).await?;
    let begin = Instant::now();
    let to_ready = ready(&recap).await?;
    recap.posted = posted;
    recap.catch_up(LIMIT).await?;
    let rate = posted as f64 / begin.elapsed().as_secs_f64();
    let what = format!("catching up on {posted} messages without views, messages");
    findings.row(Row::at_least('g', what, Figure(rate, Unit::PerSecond), 100_000.0, 100_000.0));
    let to_ready = Figure(to_ready.as_secs_f64() * 1000.0, Unit::Millis);
    findings.row(Row::plain('g', "start to ready without views", to_ready));
    findings.peak("catching up", &recap)?;
    recap.stop().await?;
    Ok(())
}

/// From its start until it said that it is ready.
async fn ready(recap: &Recap) -> Result<Duration> {
    let begin = Instant::now();
    let request = traffic::get("/readyz");
    let mut connection = Connection::open(recap.address()).await?;
    loop {
        let reply = tokio::time::timeout(LIMIT, connection.send(&request)).await??;
        if reply.status == 200 {
            return Ok(recap.listening + begin.elapsed());
        }
        ensure!(begin.elapsed() < LIMIT, "it is not ready: {}", reply.text());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Removes what is derived; the log and the keys stay.
fn remove_views(folder: &std::path::Path) -> Result<()> {
    let mut removed = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("views.db") {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    (removed > 0).then_some(()).context("there are no views to remove")
}
