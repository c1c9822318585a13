//! Random conversations read back in every way, against a sort of the same messages.

use anyhow::{Context, Result, ensure};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::client::Client;

/// Pages, cursors in both directions and time ranges give what a sort by timestamp and arrival gives.
pub async fn pages_equal_a_sort(client: &Client) -> Result<()> {
    drawn(client, 12).await
}

/// The same with fewer conversations, for a database that scans ranges.
pub async fn some_pages_equal_a_sort(client: &Client) -> Result<()> {
    drawn(client, 3).await
}

async fn drawn(client: &Client, cases: usize) -> Result<()> {
    let mut runner = TestRunner::deterministic();
    for case in 0..cases {
        let seconds = prop::collection::vec(0i64..40, 1..120);
        let ask = (1usize..25, 0i64..40, 0i64..40);
        let (seconds, (limit, since, until)) =
            (seconds, ask).new_tree(&mut runner).map_err(|reason| anyhow::anyhow!(reason))?.current();
        let conversation = format!("oracle-{case}");
        post(client, &conversation, &seconds).await?;
        let mut sorted: Vec<(i64, usize)> = seconds.iter().copied().zip(1..).collect();
        sorted.sort_unstable();
        let all: Vec<u64> = sorted.iter().map(|(_, seq)| *seq as u64).collect();
        ensure!(by_pages(client, &conversation, limit, "asc").await? == all, "{conversation} by pages");
        ensure!(by_cursor(client, &conversation, &format!("limit={limit}")).await? == all, "{conversation} by cursor");
        let mut back = all.clone();
        back.reverse();
        ensure!(by_pages(client, &conversation, limit, "desc").await? == back, "{conversation} backwards by pages");
        let query = format!("limit={limit}&order=desc");
        ensure!(by_cursor(client, &conversation, &query).await? == back, "{conversation} backwards by cursor");
        let inside = sorted.iter().filter(|(at, _)| (since..=until).contains(at));
        let inside: Vec<u64> = inside.map(|(_, seq)| *seq as u64).collect();
        let query = format!("limit={limit}&since={}&until={}", time(since), time(until));
        if since <= until {
            ensure!(by_cursor(client, &conversation, &query).await? == inside, "{conversation} {query}");
        }
    }
    Ok(())
}

fn time(second: i64) -> String {
    format!("2024-05-01T10:00:{second:02}Z")
}

async fn post(client: &Client, conversation: &str, seconds: &[i64]) -> Result<()> {
    for chunk in seconds.chunks(7) {
        let message = |at: &i64| json!({"content": "x", "timestamp": time(*at)});
        let messages: Vec<Value> = chunk.iter().map(message).collect();
        let body = json!({"conversation_id": conversation, "user_id": "u", "messages": messages});
        client.post("/chats", &body).await?.ok()?;
    }
    Ok(())
}

fn seqs(page: &Value) -> Result<Vec<u64>> {
    let list = page["messages"].as_array().context("no messages")?;
    list.iter().map(|message| message["seq"].as_u64().context("no seq")).collect()
}

async fn by_pages(client: &Client, conversation: &str, limit: usize, order: &str) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for number in 1.. {
        let path = format!("/chats/{conversation}?page={number}&limit={limit}&order={order}");
        let page = client.get(&path).await?.ok()?;
        all.extend(seqs(&page)?);
        if page["total_pages"].as_u64().context("no total")? <= number {
            break;
        }
    }
    Ok(all)
}

async fn by_cursor(client: &Client, conversation: &str, query: &str) -> Result<Vec<u64>> {
    let first = format!("/chats/{conversation}?{query}");
    let mut page = client.get(&first).await?.ok()?;
    let mut all = seqs(&page)?;
    while let Some(cursor) = page["next_cursor"].as_str() {
        page = client.get(&format!("{first}&cursor={cursor}")).await?.ok()?;
        all.extend(seqs(&page)?);
    }
    Ok(all)
}
