//! Two ingest-apis, three workers, two query-apis: nothing lost, doubled or reordered, one run for one need, and each
//! listener sees versions ascending.

use anyhow::{Result, ensure};
use deploy::load::Load;
use deploy::stack::Plan;
use serde_json::json;
use shared_testkit::client::Client;
use shared_testkit::ledger::Ledger;
use shared_testkit::socket::Socket;

use crate::stack;

/// Straight to each replica, around the gateway's hashing, so that all of them write the same conversations.
fn ways(ports: &[deploy::replica::Replica]) -> Result<Vec<Client>> {
    ports.iter().map(|replica| Client::new(&format!("127.0.0.1:{}", replica.port()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_race_for_conversations_lose_nothing() -> Result<()> {
    let stack = stack!(Plan::of(2, 3, 2));
    let load = Load::start(&ways(&stack.ingest)?, "race", 2, 8);
    load.more(250).await?;
    let ledger = load.finish().await?;
    for replica in &stack.ingest {
        ensure!(replica.metric("recap_append_messages_total", &[]).await? > 0.0, "a replica had nothing to do");
    }
    stack.check(&ledger).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversations_own_order_is_kept_across_replicas() -> Result<()> {
    let stack = stack!(Plan::of(2, 2, 1));
    let ways = ways(&stack.ingest)?;
    let mut ledger = Ledger::default();
    // One after the other, each through another replica: what was answered first stands first.
    for number in 0..30 {
        let content = format!("step {number}");
        ways[number % 2].say("turns", &[("u", &content)]).await?;
        ledger.acknowledged("turns", &content);
    }
    let history = stack.client.history("turns").await?;
    for (number, message) in history.iter().enumerate() {
        ensure!(message["content"] == format!("step {number}") && message["seq"] == number + 1, "{message}");
    }
    stack.check(&ledger).await
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_on_each_query_api_see_versions_ascend_and_one_need_costs_one_run() -> Result<()> {
    let stack = stack!(Plan::of(2, 3, 2).with("SUMMARY_MIN_INTERVAL", "100ms"));
    let mut listening = tokio::task::JoinSet::new();
    for replica in &stack.query {
        for _ in 0..3 {
            let address = format!("127.0.0.1:{}", replica.port());
            let mut socket = Socket::connect(&address, "conversation_id=watched").await?;
            // Fails where a version does not ascend.
            listening.spawn(async move { socket.until_covered(60).await });
        }
    }
    let mut ledger = Ledger::default();
    for number in 0..60 {
        let content = format!("line {number}: we ship release {number} on Friday");
        stack.client.say("watched", &[("u", &content)]).await?;
        ledger.acknowledged("watched", &content);
    }
    while let Some(listened) = listening.join_next().await {
        let summary = listened??;
        ensure!(summary["covers"]["messages"] == 60, "{summary}");
    }
    let settled = stack.client.settled_summary("watched").await?;
    let versions = settled["version"].as_u64().unwrap_or_default();
    let mut stored = 0.0;
    for worker in &stack.workers {
        let labels = ["outcome=\"stored\""];
        stored += worker.metric("recap_summarize_duration_seconds_count", &labels).await?;
    }
    // Each run that made a version stored it, and each version was made by one run.
    ensure!((stored - versions as f64).abs() < 0.5, "{stored} runs stored {versions} versions");
    stack.check(&ledger).await
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_requests_through_two_query_apis_share_one_run() -> Result<()> {
    // No summary comes unasked.
    let stack = stack!(Plan::of(1, 3, 2).with("SUMMARY_IDLE", "10m").with("SUMMARY_EVERY", "1000"));
    stack.client.say("asked", &[("anna", "We decided to ship on Friday."), ("ben", "I will write the notes.")]).await?;
    let mut asking = tokio::task::JoinSet::new();
    for round in 0..16 {
        let way = Client::new(&format!("127.0.0.1:{}", stack.query[round % 2].port()))?;
        asking.spawn(async move { way.post("/chats/summarize", &json!({"conversation_id": "asked"})).await?.ok() });
    }
    while let Some(answer) = asking.join_next().await {
        let summary = answer??;
        ensure!(summary["version"] == 1 && summary["covers"]["messages"] == 2, "{summary}");
    }
    let versions = stack.client.get("/chats/asked/summaries").await?.ok()?;
    ensure!(versions["summaries"].as_array().is_some_and(|list| list.len() == 1), "{versions}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_conflict_only_where_they_share_a_conversation() -> Result<()> {
    let stack = stack!(Plan::of(2, 1, 1));
    let ways = ways(&stack.ingest)?;
    let mut loads = Vec::new();
    for (way, prefix) in ways.iter().zip(["left", "right"]) {
        loads.push(Load::start(std::slice::from_ref(way), prefix, 3, 4));
    }
    let mut ledger = Ledger::default();
    for load in loads {
        load.more(100).await?;
        ledger.merge(load.finish().await?);
    }
    let conflicts = async |replica: usize| stack.ingest[replica].metric("recap_append_conflicts_total", &[]).await;
    for replica in 0..2 {
        let met = conflicts(replica).await?;
        ensure!(met < 0.5, "replica {replica} met {met} conflicts on conversations of its own");
    }
    // The first one is told of no second message, and believes that seq 2 is free.
    for (content, way) in [("one", 0), ("two", 1), ("three", 0)] {
        ways[way].say("shared", &[("u", content)]).await?;
        ledger.acknowledged("shared", content);
    }
    ensure!((conflicts(0).await? - 1.0).abs() < 0.5 && conflicts(1).await? < 0.5);
    stack.check(&ledger).await
}
