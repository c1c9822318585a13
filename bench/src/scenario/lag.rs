//! (e) How far views lag behind at 10,000 messages a second over 1,000 conversations.
//!
//! Law: load and probes come when they are due, not when the server is ready for them. A probe's time runs from the
//! reply to its post until a read of the user's history that shows it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Findings;
use crate::load::{Connection, End, Latencies, Traffic, traffic};
use crate::recap::Bench;
use crate::table::{Figure, Row, Unit};

const RATE: f64 = 10_000.0;
const CONVERSATIONS: usize = 1000;
/// A probe is posted so often.
const PROBE_EVERY: Duration = Duration::from_millis(20);
/// And looked for so often.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long the last probes may take to show.
const LIMIT: Duration = Duration::from_mins(1);

pub(super) async fn run(bench: &Bench, findings: &mut Findings) -> Result<()> {
    let mut recap = bench.recap(&[]).await?;
    let traffic = Arc::new(Traffic::posts("lag", CONVERSATIONS, 1, 4));
    let counted = bench.options.counted() * bench.options.or_quick(4, 1);
    let warm_up = bench.options.warm_up();
    let mut load = bench.load(recap.address(), &traffic, End::After { warm_up, counted });
    load.rate = Some(bench.options.or_quick(RATE, 200.0));
    let address = recap.address().to_owned();
    let probing = async {
        tokio::time::sleep(warm_up).await;
        probe(&address, counted).await
    };
    let (outcome, lags) = tokio::join!(recap.run(&load), probing);
    let (mut outcome, mut lags) = (outcome?, lags?);
    ensure!(lags.count() > 0, "no probe was posted");
    let lag = Figure(lags.percentile(0.99), Unit::Millis);
    let kept = outcome.rate() / load.rate.unwrap_or(RATE);
    let what = format!("posts answered at {RATE}/s over {CONVERSATIONS} conversations, of those due");
    findings.row(Row::at_least('e', what, Figure(kept, Unit::Ratio), 0.99, 0.99));
    let what = format!("projection lag meanwhile, at {:.0} messages/s, p99", outcome.rate());
    findings.row(Row::at_most('e', what, lag, 100.0));
    findings.note(format!("(e) lag of {} probes: {}", lags.count(), lags.told()));
    findings.note(format!("(e) {:.0} posts/s, from when each was due: {}", outcome.rate(), outcome.latencies.told()));
    findings.peak("10,000 messages/s", &recap)?;
    recap.stop().await?;
    Ok(())
}

/// Posts probes for a while, and answers how long each took to show.
async fn probe(address: &str, during: Duration) -> Result<Latencies> {
    let replied = Mutex::new(VecDeque::new());
    let until = Instant::now() + during;
    let (posted, lags) = tokio::join!(post(address, until, &replied), look(address, until, &replied));
    posted?;
    lags
}

/// When each probe was acknowledged that has not been seen.
type Replied = Mutex<VecDeque<Instant>>;

async fn post(address: &str, until: Instant, replied: &Replied) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let body = r#"{"conversation_id":"lag-probe","user_id":"lag-probe","messages":[{"content":"Is it there yet?"}]}"#;
    let request = traffic::post("/chats", body);
    let mut ticks = tokio::time::interval(PROBE_EVERY);
    while ticks.tick().await.into_std() < until {
        let reply = tokio::time::timeout(LIMIT, connection.send(&request)).await??;
        ensure!(reply.status == 200, "{} {}", reply.status, reply.text());
        replied.lock().unwrap_or_else(PoisonError::into_inner).push_back(Instant::now());
    }
    Ok(())
}

async fn look(address: &str, until: Instant, replied: &Replied) -> Result<Latencies> {
    let mut connection = Connection::open(address).await?;
    let request = traffic::get("/users/lag-probe/chats");
    let (mut seen, mut lags) = (0, Latencies::default());
    loop {
        let reply = tokio::time::timeout(LIMIT, connection.send(&request)).await??;
        ensure!(reply.status == 200, "{} {}", reply.status, reply.text());
        let now = Instant::now();
        let shown = message_count(reply.body)?;
        {
            let mut waiting = replied.lock().unwrap_or_else(PoisonError::into_inner);
            while seen < shown {
                // A probe may show before its reply has been read: then it is looked at again.
                let Some(at) = waiting.pop_front() else { break };
                lags.add(now.saturating_duration_since(at));
                seen += 1;
            }
            if now > until + PROBE_EVERY && waiting.is_empty() {
                return Ok(lags);
            }
        }
        ensure!(now < until + LIMIT, "probes do not show: {shown} were seen");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Messages of the probing user that views have.
fn message_count(body: &[u8]) -> Result<u64> {
    let history: serde_json::Value = serde_json::from_slice(body)?;
    match history["conversations"].as_array().context("no conversations")?.first() {
        Some(row) => row["message_count"].as_u64().context("no message_count"),
        None => Ok(0),
    }
}
