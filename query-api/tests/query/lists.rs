//! Lists of conversations, and a store that is away.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::refused;
use crate::stage::{Stage, key, seconds};

#[tokio::test]
async fn a_users_conversations_are_listed_with_their_own_last_message() -> Result<()> {
    let stage = Stage::new().await?;
    let day = |day: i64| 1_709_251_200_000 + day * 86_400_000;
    for (conversation, at) in [("one", 0), ("two", 4)] {
        stage.post(conversation, "anna", &format!("anna in {conversation}"), day(at));
        stage.post(conversation, "ben", &format!("ben in {conversation}"), day(at) + 1000);
        stage.project(conversation);
    }
    let page = stage.client.get("/users/anna/chats").await?.ok()?;
    ensure!(page["user_id"] == "anna" && page["total_conversations"] == 2 && page["page"] == 1, "{page}");
    ensure!(page["limit"] == 10 && page["total_pages"] == 1, "{page}");
    let expected = json!({
        "conversation_id": "two", "last_message": "anna in two", "timestamp": "2024-03-05T00:00:00Z", "message_count": 1,
        "latest": {"content": "ben in two", "user_id": "ben", "timestamp": "2024-03-05T00:00:01Z"},
    });
    ensure!(page["conversations"][0] == expected, "{page}");
    for (filter, total) in [
        ("start_date=2024-03-02", 1),
        ("end_date=2024-03-01", 1),
        ("start_date=2024-03-02&end_date=2024-03-04", 0),
        ("start_date=2024-03-01T00:00:00%2B00:00&end_date=2024-03-05", 2),
    ] {
        let page = stage.client.get(&format!("/users/anna/chats?{filter}")).await?.ok()?;
        ensure!(page["total_conversations"] == total, "{filter}: {page}");
    }
    stage.log.forget(&key("two"));
    let page = stage.client.get("/users/anna/chats").await?.ok()?;
    ensure!(page["conversations"].as_array().map(Vec::len) == Some(1), "an erased text is shown: {page}");
    let nobody = stage.client.get("/users/nobody/chats").await?.ok()?;
    ensure!(nobody["conversations"] == json!([]) && nobody["total_pages"] == 0, "{nobody}");
    Ok(())
}

#[tokio::test]
async fn conversations_are_listed_for_a_dashboard() -> Result<()> {
    let stage = Stage::new().await?;
    stage.tell("old", "Great work, thank you so much!");
    for user in 0..70 {
        stage.post("new", &format!("user-{user}"), &"long ".repeat(100), 9_000 + user);
    }
    stage.project("new");
    stage.end("new");
    stage.project("new");
    let page = stage.client.get("/chats").await?.ok()?;
    ensure!(page["total_conversations"] == 2 && page["limit"] == 50 && page["page"] == 1, "{page}");
    let (new, old) = (&page["conversations"][0], &page["conversations"][1]);
    ensure!(new["conversation_id"] == "new" && new["participant_count"] == 70 && new["ended"] == "requested", "{new}");
    ensure!(new["participants"].as_array().map(Vec::len) == Some(8) && new["stale_messages"] == 70, "{new}");
    let shown = new["last_message"]["content"].as_str().context("no content")?;
    ensure!(shown.chars().count() == 280 && new["last_message"]["user_id"] == "user-69", "{new}");
    ensure!(old["summary_version"] == 1 && old["stale_messages"] == 0 && old["ended"] == Value::Null, "{old}");
    ensure!(old["first_at"] == "1970-01-01T00:00:01Z" && old["last_at"] == old["first_at"], "{old}");
    ensure!(old["trend"].as_array().is_some_and(|trend| !trend.is_empty()) && old["sentiment"].is_string());
    let found = stage.client.get("/chats?contains=ol").await?.ok()?;
    ensure!(found["total_conversations"] == 1 && found["conversations"][0]["conversation_id"] == "old", "{found}");
    let other = stage.client.request(http::Method::GET, "/chats").header("x-tenant", "other");
    ensure!(stage.client.send(other).await?.ok()?["conversations"] == json!([]));
    Ok(())
}

#[tokio::test]
async fn a_store_that_is_away_is_no_internal_error() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("c", "u", "x", 1_000);
    stage.views.away.store(true, std::sync::atomic::Ordering::SeqCst);
    refused(&stage.client.get("/chats").await?, 504, "timeout")?;
    ensure!(stage.client.get("/chats/c").await?.status == 200, "history needs no views");
    stage.tasks.stop();
    stage.tasks.shutdown(seconds(5)).await?;
    Ok(())
}
