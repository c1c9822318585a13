//! Summaries: the stored one, those asked for, their versions.

use anyhow::{Context, Result, ensure};
use query_api::QueryConfig;
use serde_json::json;
use shared::domain::Version;
use shared::ports::SummarizeReply;
use shared_testkit::wait;

use crate::stage::{Stage, key, seq};
use crate::{contents, refused};

#[tokio::test]
async fn a_conversation_may_be_called_summarize() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("summarize", "u", "odd name", 1000);
    ensure!(contents(&stage.client.get("/chats/summarize").await?.ok()?) == ["odd name"]);
    stage.project("summarize");
    stage.store_summary("summarize");
    ensure!(stage.client.get("/chats/summarize/summary").await?.ok()?["conversation_id"] == "summarize");
    ensure!(stage.client.get("/chats/summarize/summaries").await?.ok()?["total_summaries"] == 1);
    let answer = stage.client.post("/chats/summarize", &json!({"conversation_id": "summarize"})).await?;
    ensure!(answer.ok()?["version"] == 1);
    Ok(())
}

#[tokio::test]
async fn the_stored_summary_answers_if_it_covers_everything() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("c", "anna", "Ben, can you send the report by Friday?", 1_000);
    stage.post("c", "ben", "Yes, I will send it tomorrow.", 2_000);
    stage.project("c");
    stage.store_summary("c");
    stage.end("c");
    let brief = stage.client.post("/chats/summarize", &json!({"conversation_id": "c"})).await?.ok()?;
    ensure!(
        brief["summary_type"] == "brief" && brief["engine"] == "openai:tests" && brief["degraded"] == false,
        "{brief}"
    );
    ensure!(brief["covers"]["first_seq"] == 1 && brief["covers"]["last_seq"] == 2, "{brief}");
    ensure!(brief["covers"]["messages"] == 2 && brief["covers"]["digest"].as_str().map(str::len) == Some(64));
    let insights = &brief["insights"];
    for list in ["keywords", "action_items", "decisions", "open_questions", "participants", "action_item_details"] {
        ensure!(insights[list].is_array(), "{list}: {brief}");
    }
    ensure!(insights["sentiment"].is_string() && insights["sentiment_score"].is_number(), "{brief}");
    ensure!(insights["participants"][1] == json!({"user_id": "ben", "message_count": 1}), "{brief}");
    ensure!(brief.get("stale_messages").is_none());
    let detailed = json!({"conversation_id": "c", "summary_type": "detailed"});
    ensure!(stage.client.post("/chats/summarize", &detailed).await?.ok()?["summary_type"] == "detailed");
    ensure!(stage.bus.asks.get() == 0, "it was asked for although it was there");
    stage.post("c", "anna", "Thanks!", 3_000);
    let behind = stage.client.get("/chats/c/summary?summary_type=detailed").await?.ok()?;
    ensure!(behind["stale_messages"] == 1 && behind["version"] == 1, "{behind}");
    Ok(())
}

#[tokio::test]
async fn equal_requests_share_one_ask() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("c", "u", "We ship on Friday.", 1_000);
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..16 {
        let client = stage.client.clone();
        let kind = if number % 2 == 0 { "brief" } else { "detailed" };
        asking.spawn(async move {
            let body = json!({"conversation_id": "c", "summary_type": kind});
            client.post("/chats/summarize", &body).await?.ok()
        });
    }
    let (ask, answer) = wait::until("the ask", || async { Ok(stage.bus.take_asks().pop()) }).await?;
    ensure!(ask.key == key("c") && ask.at_least == seq(1));
    // All requests have read the views before the answer comes: then they wait for it.
    wait::until("all requests", || async { Ok((stage.views.row_reads.get() >= 16).then_some(())) }).await?;
    stage.project("c");
    let version = stage.store_summary("c");
    ensure!(answer.send(SummarizeReply::Stored { version }).is_ok());
    while let Some(body) = asking.join_next().await {
        ensure!(body??["covers"]["last_seq"] == 1);
    }
    ensure!(stage.bus.asks.get() == 1, "{} asks", stage.bus.asks.get());
    Ok(())
}

#[tokio::test]
async fn summaries_of_the_local_engine_are_made_anew_as_long_as_that_brings_better_ones() -> Result<()> {
    let stage = Stage::new().await?;
    let show = async |name: &str| -> Result<()> {
        stage.post(name, "u", "We ship on Friday.", 1_000);
        stage.project(name);
        stage.store_summary_by("local", name);
        let shown = stage.client.get(&format!("/chats/{name}/summary")).await?.ok()?;
        ensure!(shown["engine"] == "local", "nobody waits for a better one: {shown}");
        Ok(())
    };
    let answer = async |name: &str, version: Version| -> Result<()> {
        let asked = wait::until("the ask", || async { Ok(stage.bus.take_asks().pop()) }).await?;
        ensure!(asked.0.key == key(name), "{:?}", asked.0);
        ensure!(asked.1.send(SummarizeReply::Stored { version }).is_ok());
        Ok(())
    };
    for name in ["a", "b", "c", "d"] {
        show(name).await?;
        answer(name, Version(2)).await?;
    }
    for name in ["e", "f", "g"] {
        show(name).await?;
        answer(name, Version(1)).await?;
    }
    for name in ["h", "i", "j"] {
        show(name).await?;
    }
    ensure!(stage.bus.asks.get() == 7, "{} asks of workers that have nothing better", stage.bus.asks.get());
    Ok(())
}

#[tokio::test]
async fn a_summary_that_cannot_be_made_is_said_so() -> Result<()> {
    let config = QueryConfig { summarize_timeout: std::time::Duration::from_millis(50), ..QueryConfig::default() };
    let stage = Stage::with(config).await?;
    stage.post("c", "u", "x", 1_000);
    let body = json!({"conversation_id": "c"});
    refused(&stage.client.post("/chats/summarize", &body).await?, 504, "timeout")?;
    let stage = Stage::new().await?;
    stage.post("c", "u", "x", 1_000);
    for (reply, status, code) in
        [(SummarizeReply::Gone, 404, "conversation_not_found"), (SummarizeReply::Failed, 503, "unavailable")]
    {
        let (client, body) = (stage.client.clone(), body.clone());
        let asking = tokio::spawn(async move { client.post("/chats/summarize", &body).await });
        stage.bus.take_asks();
        let (_, answer) = wait::until("the ask", || async { Ok(stage.bus.take_asks().pop()) }).await?;
        ensure!(answer.send(reply).is_ok());
        refused(&asking.await??, status, code)?;
    }
    for (body, code) in
        [("{", "invalid_json"), ("[]", "invalid_request"), (r#"{"conversation_id":1}"#, "invalid_request")]
    {
        let request = stage.client.request(http::Method::POST, "/chats/summarize");
        let request = request.header("content-type", "application/json").body(body);
        refused(&stage.client.send(request).await?, 400, code)?;
    }
    Ok(())
}

#[tokio::test]
async fn versions_are_listed_newest_first() -> Result<()> {
    let stage = Stage::new().await?;
    for number in 0..3 {
        stage.tell("c", &format!("Point {number} was agreed."));
    }
    let page = stage.client.get("/chats/c/summaries?limit=2").await?.ok()?;
    let versions: Vec<_> = page["summaries"].as_array().context("no list")?.iter().map(|v| &v["version"]).collect();
    ensure!(versions == [3, 2] && page["total_summaries"] == 3 && page["total_pages"] == 2, "{page}");
    let second = stage.client.get("/chats/c/summaries?limit=2&page=2").await?.ok()?;
    let row = &second["summaries"][0];
    ensure!(row["version"] == 1 && row["covers"]["messages"] == 1 && row["trigger"] == "count", "{second}");
    ensure!(row["usage"] == json!({"tokens_in": 0, "tokens_out": 0}), "{second}");
    Ok(())
}
