//! That it takes the same to say that something is somebody else's as that it is nowhere: nobody learns from the time of
//! an answer what its text does not tell.
//!
//! Law: work is counted, not timed: what the store was asked for, operation by operation, as the server's metrics have
//! it. For an operation that differs, all tries differ; other work of the server may come between, but not every time.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::access::{self, CONVERSATION, MISSING, Operation, USER};
use crate::client::Client;
use crate::process::Launch;
use crate::wait;

const TRIES: usize = 10;

/// Long times, so that the store is asked for nothing but what requests need.
#[must_use]
pub fn settings(launch: Launch) -> Launch {
    ["SUMMARY_IDLE", "RECONCILE_INTERVAL", "SUMMARY_SWEEP_INTERVAL", "CONVERSATION_IDLE_END"]
        .into_iter()
        .fold(launch.env("LOG_LEVEL", "warn"), |launch, name| launch.env(name, "1h"))
}

/// Every operation about a conversation or a user that is another tenant's, and about one that is nowhere; how many.
pub async fn foreign_costs_what_missing_costs(client: &Client, owner: &str, other: &str) -> Result<usize> {
    let openapi = client.get("/openapi.json").await?.ok()?;
    let (owner, other) = (client.with_key(owner), client.with_key(other));
    owner.say(CONVERSATION, &[(USER, "a text that is nobody else's")]).await?;
    owner.post("/chats/summarize", &json!({ "conversation_id": CONVERSATION })).await?.ok()?;
    let (mut walked, mut seen) = (0, 0);
    for operation in access::operations(&openapi)? {
        if operation.scope()?.is_some() && operation.is_about_somebody() {
            same(&operation, client, &other).await.with_context(|| operation.to_string())?;
            walked += 1;
            if operation.only_reads() {
                let own = asked(&operation, client, &owner, CONVERSATION, USER).await?;
                seen += usize::from(own != asked(&operation, client, &owner, MISSING, MISSING).await?);
            }
        }
    }
    ensure!(seen > 0, "what is there costs no more than what is not: the counts tell nothing");
    // It was there all the time.
    ensure!(owner.history(CONVERSATION).await?.len() == 1);
    Ok(walked)
}

async fn same(operation: &Operation<'_>, client: &Client, other: &Client) -> Result<()> {
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let foreign = asked(operation, client, other, CONVERSATION, USER).await?;
        let missing = asked(operation, client, other, MISSING, MISSING).await?;
        if foreign == missing {
            return Ok(());
        }
        seen.push((foreign, missing));
    }
    ensure!(seen.is_empty(), "foreign and missing: {seen:?}");
    Ok(())
}

type Counts = BTreeMap<String, u64>;

/// What the store was asked for by one call.
async fn asked(op: &Operation<'_>, client: &Client, other: &Client, name: &str, user: &str) -> Result<Counts> {
    let before = at_rest(client).await?;
    let answer = op.call(other, name, user).await?;
    ensure!(!answer.status.is_server_error(), "{answer:?}");
    let mut counts = at_rest(client).await?;
    for (op, count) in &mut counts {
        *count -= before.get(op).copied().unwrap_or(0);
    }
    counts.retain(|_, count| *count > 0);
    Ok(counts)
}

/// All operations so far, once they stand still.
async fn at_rest(client: &Client) -> Result<Counts> {
    wait::until("the store to rest", async || {
        let (before, now) = (counts(client).await?, counts(client).await?);
        Ok((before == now).then_some(now))
    })
    .await
}

async fn counts(client: &Client) -> Result<Counts> {
    let metrics = client.get("/metrics").await?.text;
    let line = |line: &str| {
        let (op, count) = line.strip_prefix("recap_store_query_duration_seconds_count{op=\"")?.split_once("\"} ")?;
        Some((op.to_owned(), count.parse().ok()?))
    };
    Ok(metrics.lines().filter_map(line).collect())
}
