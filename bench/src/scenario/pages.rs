//! (c) Pages of a conversation of a million messages: the first, deep ones, and by cursor.
//!
//! Law: one connection, nothing else going on, the three kinds in turns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Findings;
use crate::load::{Connection, End, Latencies, Traffic, traffic};
use crate::recap::{Bench, Recap};
use crate::table::{Figure, Row, Unit};

/// Messages on a page: the server's default.
const LIMIT: u64 = 50;
/// How long loading and projecting may take.
const LOADING: Duration = Duration::from_mins(10);
/// Requests that go before those that count.
const WARM_UP: u64 = 50;

/// How long pages take.
pub(super) struct Pages {
    pub(super) first: Latencies,
    pub(super) deep: Latencies,
    pub(super) cursor: Latencies,
}

pub(super) async fn run(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let mut recap = bench.recap(&[]).await?;
    let messages = bench.options.or_quick(1_000_000, 10_000);
    fill(bench, &mut recap, messages).await?;
    let mut pages = measure(bench, &recap, messages).await?;
    let [first, deep, cursor] = pages.medians();
    let what = |kind: &str| format!("{kind} page of {LIMIT} of {messages} messages, p50");
    findings.row(Row::at_most('c', what("first"), Figure(first, Unit::Millis), 1.0));
    findings.row(Row::at_most('c', what("deep"), Figure(deep, Unit::Millis), 1.0));
    findings.row(Row::at_most('c', what("cursor"), Figure(cursor, Unit::Millis), 1.0));
    findings.row(Row::at_most('c', "deep to first page, p50", Figure(deep / first, Unit::Ratio), 2.0));
    findings.note(format!("(c) first: {}", pages.first.told()));
    findings.note(format!("(c) deep: {}", pages.deep.told()));
    findings.note(format!("(c) cursor: {}", pages.cursor.told()));
    findings.peak("a conversation of a million messages", &recap)?;
    recap.stop().await?;
    Ok(())
}

impl Pages {
    /// First, deep, cursor, in milliseconds.
    pub(super) fn medians(&mut self) -> [f64; 3] {
        [&mut self.first, &mut self.deep, &mut self.cursor].map(|latencies| latencies.percentile(0.5))
    }
}

/// Posts a conversation of so many messages, and waits until nothing more is done with it.
pub(super) async fn fill(bench: &Bench, recap: &mut Recap, messages: u64) -> Result<()> {
    let traffic = Arc::new(Traffic::posts("large", 1, 1000, 20));
    let mut load = bench.load(recap.address(), &traffic, End::Messages { messages, within: LOADING });
    load.connections = 4;
    let outcome = recap.run(&load).await?;
    let caught_up = recap.catch_up(LOADING).await?;
    eprintln!(
        "  one conversation of {messages} messages posted in {:.1} s; caught up {:.1} s later",
        outcome.seconds,
        caught_up.took.as_secs_f64()
    );
    rest(recap).await
}

/// Waits until the server has nothing left to do, as far as can be seen.
pub(super) async fn rest(recap: &Recap) -> Result<()> {
    const LOOK: Duration = Duration::from_millis(500);
    let begin = Instant::now();
    let mut before = recap.cpu()?;
    while begin.elapsed() < Duration::from_mins(1) {
        tokio::time::sleep(LOOK).await;
        let now = recap.cpu()?;
        match (before, now) {
            (Some(before), Some(now)) if now.saturating_sub(before) > LOOK / 20 => {}
            _ => return Ok(()),
        }
        before = now;
    }
    eprintln!("  the server still works on something; measured nevertheless");
    Ok(())
}

/// Reads pages of the conversation that [`fill`] made.
pub(super) async fn measure(bench: &Bench, recap: &Recap, messages: u64) -> Result<Pages> {
    let mut reader = Reader { connection: Connection::open(recap.address()).await? };
    let mut pages = Pages { first: Latencies::default(), deep: Latencies::default(), cursor: Latencies::default() };
    let last = messages / LIMIT;
    let (_, mut cursor) = reader.read(&format!("page={}", last / 2)).await?;
    for place in 0..bench.options.or_quick(2000, 20) + WARM_UP {
        let (first, _) = reader.read("page=1").await?;
        // Places all over the second half; the step is prime, so that none comes twice soon.
        let (deep, _) = reader.read(&format!("page={}", last / 2 + place * 7919 % (last / 2) + 1)).await?;
        let (next, following) = reader.read(&format!("cursor={cursor}")).await?;
        cursor = following;
        if place >= WARM_UP {
            pages.first.add(first);
            pages.deep.add(deep);
            pages.cursor.add(next);
        }
    }
    Ok(pages)
}

struct Reader {
    connection: Connection,
}

impl Reader {
    /// How long a page took, and the cursor to the next one, empty if there is none.
    async fn read(&mut self, query: &str) -> Result<(Duration, String)> {
        let request = traffic::get(&format!("/chats/large-0?limit={LIMIT}&{query}"));
        let begin = Instant::now();
        let reply = tokio::time::timeout(Duration::from_secs(30), self.connection.send(&request)).await??;
        let took = begin.elapsed();
        ensure!(reply.status == 200, "{query}: {} {}", reply.status, reply.text());
        let page: serde_json::Value = serde_json::from_slice(reply.body)?;
        let read = page["messages"].as_array().context("no messages")?.len();
        ensure!(read as u64 == LIMIT, "{query} has {read} messages");
        Ok((took, page["next_cursor"].as_str().unwrap_or_default().to_owned()))
    }
}
