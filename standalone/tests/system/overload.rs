//! More than the server can do. Law: what is refused is refused soon and says when to come back, reads go on, what
//! was acknowledged is there, memory stays bounded, and afterwards all is as before. All by counts, none by time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use shared_service::limits::Limit;
use shared_testkit::client::Client;
use shared_testkit::wait;
use tokio::task::JoinSet;

use crate::{Recap, check, repository};

/// What the server takes at once: 8 reads, 6 writes.
const PLACES: &str = "8";
/// Who posts at the same time: more than five times as many.
const WRITERS: usize = 40;
/// Far above what 8 requests need, far below what 40 writers without a limit could hold up with large bodies.
const MOST_MEMORY_KIB: u64 = 512 * 1024;

#[derive(Default)]
struct Tally {
    stored: AtomicU64,
    shed: AtomicU64,
    read: AtomicU64,
    over: AtomicBool,
}

impl Tally {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// Posts again and again, as clients do that take no rest.
async fn write(client: Client, name: String, tally: Arc<Tally>) -> Result<u64> {
    let mut own = 0;
    let text = "x".repeat(16 * 1024);
    while !tally.is_over() {
        let body = json!({ "conversation_id": name, "user_id": "u", "messages": [{ "content": text }] });
        let answer = client.post("/chats", &body).await?;
        if answer.status == 200 {
            own += 1;
            tally.stored.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        ensure!(answer.status == 503 && answer.code()? == "overloaded", "{answer:?}");
        ensure!(answer.header("retry-after").parse::<u64>()? >= 1, "{answer:?}");
        tally.shed.fetch_add(1, Ordering::Relaxed);
    }
    Ok(own)
}

/// Reads one after the other; none may fail.
async fn read(client: Client, tally: Arc<Tally>) -> Result<u64> {
    while !tally.is_over() {
        for path in ["/chats/known", "/chats?limit=1", "/healthz"] {
            let answer = client.get(path).await?;
            ensure!(answer.status == 200, "{path}: {answer:?}");
        }
        tally.read.fetch_add(1, Ordering::Relaxed);
    }
    Ok(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_are_shed_reads_go_on_and_all_is_well_afterwards() -> Result<()> {
    let recap =
        Recap::with(|launch| launch.env("MAX_IN_FLIGHT", PLACES).env("LOG_LEVEL", "warn").env("SUMMARY_IDLE", "1h"))
            .await?;
    recap.client.say("known", &[("anna", "before the storm")]).await?;
    let tally = Arc::new(Tally::default());
    let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
    for at in 0..WRITERS {
        writers.spawn(write(recap.client.clone(), format!("storm-{at}"), Arc::clone(&tally)));
    }
    readers.spawn(read(recap.client.clone(), Arc::clone(&tally)));
    readers.spawn(read(recap.client.clone(), Arc::clone(&tally)));
    // As much of everything as shows that it goes on side by side.
    let seen = wait::until("all of it under load", || async {
        let (stored, shed) = (tally.stored.load(Ordering::Relaxed), tally.shed.load(Ordering::Relaxed));
        let enough = stored >= 300 && shed >= 300 && tally.read.load(Ordering::Relaxed) >= 30;
        let ended = readers.is_empty() || writers.len() < WRITERS;
        Ok((enough || ended).then_some(()))
    })
    .await;
    tally.over.store(true, Ordering::Relaxed);
    for ended in readers.join_all().await {
        ended.context("a read was refused")?;
    }
    let mut acknowledged = 0;
    for ended in writers.join_all().await {
        acknowledged += ended?;
    }
    seen.with_context(|| {
        let counts = [&tally.stored, &tally.shed, &tally.read].map(|count| count.load(Ordering::Relaxed));
        format!("stored, shed, read: {counts:?}")
    })?;
    ensure!(peak_kib(recap.server.pid()?)? < MOST_MEMORY_KIB, "memory grew to {} KiB", peak_kib(recap.server.pid()?)?);

    // Afterwards nobody is refused, and every acknowledged message is there.
    for at in 0..WRITERS {
        recap.client.say(&format!("storm-{at}"), &[("u", "after")]).await?;
    }
    let mut found = 0;
    for at in 0..WRITERS {
        let page = recap.client.get(&format!("/chats/storm-{at}?limit=1")).await?.ok()?;
        found += page["total_messages"].as_u64().context("no total")?;
    }
    ensure!(found == acknowledged + WRITERS as u64, "{acknowledged} were acknowledged, {found} are there");
    let metrics = recap.client.get("/metrics").await?.text;
    let counted = metrics.lines().find_map(|line| line.strip_prefix("recap_limit_refusals_total{limit=\"writes\"} "));
    ensure!(counted.context("no metric")?.parse::<u64>()? == tally.shed.load(Ordering::Relaxed), "{counted:?}");
    recap.server.stop().await?;
    check(recap.data.path()).await
}

/// The most memory that a process ever had.
fn peak_kib(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_limit_is_counted_from_the_start_and_documented() -> Result<()> {
    let recap = Recap::start().await?;
    let metrics = recap.client.get("/metrics").await?.text;
    let page = std::fs::read_to_string(repository().join("docs/operations.md"))?;
    for limit in Limit::ALL {
        let name = limit.as_str();
        let series = format!("recap_limit_refusals_total{{limit=\"{name}\"}} 0");
        ensure!(metrics.contains(&series), "{series} is not shown");
        ensure!(page.contains(&format!("`{name}`")), "docs/operations.md does not tell of {name}");
    }
    Ok(())
}
