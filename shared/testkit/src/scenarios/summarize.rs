//! Summaries: made unasked and on demand, and what they prove.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::client::Client;
use crate::transcript;

async fn plan(client: &Client, conversation: &str, length: usize) -> Result<()> {
    let lines = transcript::planning(length);
    for chunk in lines.chunks(100) {
        let messages: Vec<(&str, &str)> = chunk.iter().map(|(user, text)| (user.as_str(), text.as_str())).collect();
        client.say(conversation, &messages).await?;
    }
    Ok(())
}

/// Asked for right after posting, a summary covers every message, and says what it covers.
pub async fn summarizes_on_demand(client: &Client) -> Result<()> {
    plan(client, "summarize-demand", 12).await?;
    let body = json!({"conversation_id": "summarize-demand", "summary_type": "detailed"});
    let summary = client.post("/chats/summarize", &body).await?.ok()?;
    ensure!(summary["conversation_id"] == "summarize-demand" && summary["summary_type"] == "detailed", "{summary}");
    ensure!(summary["covers"]["first_seq"] == 1 && summary["covers"]["last_seq"] == 12, "{summary}");
    ensure!(summary["covers"]["messages"] == 12, "{summary}");
    ensure!(summary["covers"]["digest"].as_str().is_some_and(|digest| digest.len() == 64), "{summary}");
    ensure!(summary["summary"].as_str().is_some_and(|text| !text.is_empty()), "{summary}");
    ensure!(summary["engine"].is_string() && summary["degraded"] == false, "{summary}");
    let insights = &summary["insights"];
    ensure!(["positive", "neutral", "negative"].contains(&insights["sentiment"].as_str().unwrap_or_default()));
    ensure!(insights["keywords"].as_array().is_some_and(|words| !words.is_empty()), "{summary}");
    ensure!(insights["action_items"].as_array().is_some_and(|items| items.iter().all(Value::is_string)), "{summary}");
    for item in insights["action_item_details"].as_array().context("no details")? {
        for seq in item["evidence"].as_array().context("no evidence")? {
            ensure!((1..=12).contains(&seq.as_u64().unwrap_or_default()), "{item}");
        }
    }
    let again = client.post("/chats/summarize", &body).await?.ok()?;
    ensure!(again == summary, "nothing new was posted, and yet: {summary} then {again}");
    Ok(())
}

/// Equal requests at the same time share one version.
pub async fn equal_requests_share_one_run(client: &Client) -> Result<()> {
    plan(client, "summarize-shared", 60).await?;
    let mut asking = tokio::task::JoinSet::new();
    for i in 0..16 {
        let client = client.clone();
        let kind = if i % 2 == 0 { "brief" } else { "detailed" };
        asking.spawn(async move {
            let body = json!({"conversation_id": "summarize-shared", "summary_type": kind});
            client.post("/chats/summarize", &body).await?.ok()
        });
    }
    while let Some(summary) = asking.join_next().await {
        ensure!(summary??["covers"]["last_seq"] == 60);
    }
    let versions = client.get("/chats/summarize-shared/summaries").await?.ok()?;
    let total = versions["summaries"].as_array().map_or(0, Vec::len);
    ensure!(total <= 2, "{total} versions for one need");
    Ok(())
}

/// Unasked, a summary follows after enough messages or a silence, and its versions are kept.
pub async fn summarizes_unasked(client: &Client) -> Result<()> {
    plan(client, "summarize-unasked", 7).await?;
    let first = client.settled_summary("summarize-unasked").await?;
    ensure!(first["covers"]["messages"] == 7 && first["version"] == 1, "{first}");
    plan(client, "summarize-unasked", 50).await?;
    let second = client.settled_summary("summarize-unasked").await?;
    ensure!(second["covers"]["messages"] == 57, "{second}");
    let versions = client.get("/chats/summarize-unasked/summaries").await?.ok()?;
    let list = versions["summaries"].as_array().context("no versions")?;
    let numbers: Vec<u64> = list.iter().filter_map(|v| v["version"].as_u64()).collect();
    ensure!(numbers.windows(2).all(|pair| pair[0] == pair[1] + 1) && numbers.last() == Some(&1), "{numbers:?}");
    Ok(())
}

/// What is missing is said as such.
pub async fn says_what_is_missing(client: &Client) -> Result<()> {
    let missing = client.post("/chats/summarize", &json!({"conversation_id": "summarize-nowhere"})).await?;
    ensure!(missing.status == 404 && missing.code()? == "conversation_not_found", "{missing:?}");
    let missing = client.get("/chats/summarize-nowhere/summary").await?;
    ensure!(missing.status == 404 && missing.code()? == "conversation_not_found", "{missing:?}");
    Ok(())
}

/// A long conversation keeps its segments, and growing it by a little covers all of it again.
pub async fn covers_long_conversations(client: &Client) -> Result<()> {
    plan(client, "summarize-long", 3000).await?;
    let body = json!({"conversation_id": "summarize-long"});
    let summary = client.post("/chats/summarize", &body).await?.ok()?;
    ensure!(summary["covers"]["messages"] == 3000, "{summary}");
    plan(client, "summarize-long", 20).await?;
    let summary = client.post("/chats/summarize", &body).await?.ok()?;
    ensure!(summary["covers"]["messages"] == 3020, "{summary}");
    Ok(())
}
