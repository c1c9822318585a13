//! Every kind of failure under load, each ending in the checker.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use deploy::load::Load;
use deploy::stack::{Plan, Stack, rounds};
use deploy::wiretap::Wiretap;
use shared::domain::{ConversationId, ConversationKey, TenantId};
use shared::ports::Clock as _;
use shared_adapters::{StoreConfig, SystemClock};
use tokio::time::Instant;

use crate::stack;

/// Messages between two blows.
const BETWEEN: u64 = 40;

/// How long the bus is away at least: `NATS_AWAY_SECONDS`, else as long as a few posts take.
fn long_away() -> Result<Duration> {
    match std::env::var("NATS_AWAY_SECONDS") {
        Ok(text) => Ok(Duration::from_secs(text.parse().context("NATS_AWAY_SECONDS is a number")?)),
        Err(_) => Ok(Duration::ZERO),
    }
}

fn load(stack: &Stack) -> Load {
    Load::start(std::slice::from_ref(&stack.client), "fault", 4, 6)
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_apis_are_killed() -> Result<()> {
    let mut stack = stack!(Plan::of(2, 1, 1));
    let load = load(&stack);
    for round in 0..rounds(4)? {
        load.more(BETWEEN).await?;
        stack.ingest[round as usize % 2].restart().await?;
    }
    load.more(BETWEEN).await?;
    let ledger = load.finish().await?;
    stack.check(&ledger).await
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_killed() -> Result<()> {
    let mut stack = stack!(Plan::of(1, 2, 1));
    let load = load(&stack);
    for round in 0..rounds(4)? {
        load.more(BETWEEN).await?;
        stack.workers[round as usize % 2].restart().await?;
    }
    let ledger = load.finish().await?;
    stack.check(&ledger).await
}

#[tokio::test(flavor = "multi_thread")]
async fn query_apis_are_killed() -> Result<()> {
    let mut stack = stack!(Plan::of(1, 1, 2));
    let load = load(&stack);
    for round in 0..rounds(4)? {
        load.more(BETWEEN).await?;
        let killed = round as usize % 2;
        stack.query[killed].kill().await?;
        // The other one answers meanwhile.
        let page = stack.client.get("/chats/fault-0").await?;
        ensure!(page.status == 200, "{page:?}");
        stack.query[killed].start().await?;
        stack.query[killed].ready().await?;
    }
    let ledger = load.finish().await?;
    stack.check(&ledger).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bus_is_killed() -> Result<()> {
    let mut stack = stack!(Plan::default());
    let load = load(&stack);
    for _ in 0..rounds(3)? {
        load.more(BETWEEN).await?;
        stack.nats.restart().await?;
    }
    let ledger = load.finish().await?;
    stack.check(&ledger).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_killed() -> Result<()> {
    let mut stack = stack!(Plan::default());
    let load = load(&stack);
    for _ in 0..rounds(3)? {
        load.more(BETWEEN).await?;
        stack.mongo.restart().await?;
    }
    load.more(BETWEEN).await?;
    let ledger = load.finish().await?;
    stack.check(&ledger).await
}

/// Posts are acknowledged, read and summarized while the bus is away, and all of its files may be lost.
#[tokio::test(flavor = "multi_thread")]
async fn the_bus_is_away_and_forgets_everything() -> Result<()> {
    let mut stack = stack!(Plan::of(1, 2, 1));
    // More conversations than elsewhere: the long run posts tens of thousands of messages.
    let load = Load::start(std::slice::from_ref(&stack.client), "fault", 60, 2);
    load.more(BETWEEN).await?;
    stack.nats.kill().await?;
    let back = Instant::now() + long_away()?;
    load.more(3 * BETWEEN).await?;
    while Instant::now() < back {
        load.more(BETWEEN).await?;
    }
    stack.client.say("without-bus", &[("u", "We ship on Friday.")]).await?;
    let summary = stack.client.settled_summary("without-bus").await.with_context(|| stack.logs())?;
    ensure!(summary["covers"]["messages"] == 1, "{summary}");
    for replica in stack.ingest.iter().chain(&stack.query) {
        ensure!(replica.is_ready().await?, "{} takes itself out of service without the bus", replica.service());
    }
    stack.nats.lose_files()?;
    stack.nats.restart().await?;
    load.more(BETWEEN).await?;
    let ledger = load.finish().await?;
    stack.check(&ledger).await
}

/// The blow falls exactly between the write of the view and the acknowledgement of its notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_dies_between_write_and_acknowledgement() -> Result<()> {
    let mut stack = stack!(Plan::default());
    let tap = Wiretap::before(stack.nats.port(), b"$JS.ACK.").await?;
    let bus = format!("nats://127.0.0.1:{}", tap.port());
    stack.workers[0].stop().await?;
    stack.workers[0].change(|launch| launch.env("BUS_URL", bus));
    stack.workers[0].start().await?;
    stack.workers[0].ready().await?;
    let mut ledger = shared_testkit::ledger::Ledger::default();
    stack.client.say("unacknowledged", &[("u", "one")]).await?;
    ledger.acknowledged("unacknowledged", "one");
    tap.held().await?;
    stack.workers[0].kill().await?;
    let bus = stack.nats.url();
    stack.workers[0].change(|launch| launch.env("BUS_URL", bus));
    stack.workers[0].start().await?;
    stack.client.say("unacknowledged", &[("u", "two")]).await?;
    ledger.acknowledged("unacknowledged", "two");
    stack.check(&ledger).await
}

/// Somebody holds the lease of a conversation and never comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_whose_owner_is_gone_runs_out() -> Result<()> {
    let stack = stack!(Plan::of(1, 2, 1).with("SUMMARY_IDLE", "10m").with("SUMMARY_EVERY", "1000"));
    let config = StoreConfig { store_url: stack.mongo.url("recap").parse()?, ..StoreConfig::embedded("unused") };
    let ports = shared_adapters::open(&config).await?;
    let key = ConversationKey::new(TenantId::public(), ConversationId::parse("held")?);
    stack.client.say("held", &[("u", "We ship on Friday.")]).await?;
    let length = Duration::from_secs(3);
    ensure!(ports.views.lease(&key, "gone", SystemClock.now(), length).await?, "the lease was taken already");
    let body = serde_json::json!({"conversation_id": "held"});
    let summary = stack.client.post("/chats/summarize", &body).await?.ok().with_context(|| stack.logs())?;
    ensure!(summary["version"] == 1 && summary["covers"]["messages"] == 1, "{summary}");
    Ok(())
}

/// Every fault at once, again and again.
#[tokio::test(flavor = "multi_thread")]
async fn everything_is_killed_in_turn() -> Result<()> {
    let mut stack = stack!(Plan::of(2, 2, 2));
    let load = load(&stack);
    for round in 0..rounds(2)? as usize {
        load.more(BETWEEN).await?;
        stack.ingest[round % 2].restart().await?;
        stack.workers[round % 2].restart().await?;
        load.more(BETWEEN).await?;
        stack.nats.kill().await?;
        stack.query[round % 2].restart().await?;
        load.more(BETWEEN).await?;
        stack.mongo.restart().await?;
        stack.nats.restart().await?;
    }
    load.more(BETWEEN).await?;
    let ledger = load.finish().await?;
    stack.check(&ledger).await
}
