//! Posting: what is stored, what is harmless to repeat, what ends and what is erased.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// The reference's first example, to the letter.
pub async fn stores_the_reference_example(client: &Client) -> Result<()> {
    let body = json!({
        "conversation_id": "meeting_123",
        "user_id": "john_doe",
        "messages": [
            {"content": "Hello team!", "timestamp": "2023-01-01T09:00:00"},
            {"content": "Let's discuss the project", "timestamp": "2023-01-01T09:01:00", "metadata": {"a": [1]}}
        ]
    });
    let stored = client.post("/chats", &body).await?;
    let expected = json!({"status": "success", "inserted_count": 2, "conversation_id": "meeting_123"});
    ensure!(stored.status == 200 && stored.json()? == expected, "{}", stored.text);
    let page = client.get("/chats/meeting_123").await?.ok()?;
    let first = &page["messages"][0];
    ensure!(first["content"] == "Hello team!" && first["timestamp"] == "2023-01-01T09:00:00Z", "{page}");
    ensure!(first["user_id"] == "john_doe" && first["seq"] == 1 && first.get("metadata").is_none(), "{page}");
    ensure!(page["messages"][1]["metadata"] == json!({"a": [1]}), "{page}");
    ensure!(page["page"] == 1 && page["total_pages"] == 1 && page["total_messages"] == 2, "{page}");
    ensure!(page["limit"] == 50 && page["next_cursor"].is_null(), "{page}");
    Ok(())
}

/// Without a conversation id the server makes one.
pub async fn names_unnamed_conversations(client: &Client) -> Result<()> {
    let body = json!({"user_id": "u", "messages": [{"content": "x"}]});
    let (first, second) = (client.post("/chats", &body).await?.ok()?, client.post("/chats", &body).await?.ok()?);
    let name = |answer: &Value| answer["conversation_id"].as_str().unwrap_or_default().to_owned();
    ensure!(name(&first).starts_with("conv_") && name(&first) != name(&second), "{first} {second}");
    ensure!(client.history(&name(&first)).await?.len() == 1);
    Ok(())
}

async fn keyed(client: &Client, key: &str, body: &Value) -> Result<Answer> {
    client.send(client.request(Method::POST, "/chats").header("idempotency-key", key).json(body)).await
}

/// The same key and body answer as the first time; another body is refused.
pub async fn replays_by_idempotency_key(client: &Client) -> Result<()> {
    let body = json!({"user_id": "u", "messages": [{"content": "once"}]});
    let first = keyed(client, "append-key-1", &body).await?;
    let again = keyed(client, "append-key-1", &body).await?;
    ensure!(first.status == 200 && first.header("idempotency-replayed").is_empty(), "{first:?}");
    ensure!(again.text == first.text && again.header("idempotency-replayed") == "true", "{again:?}");
    let conversation = first.json()?["conversation_id"].as_str().unwrap_or_default().to_owned();
    ensure!(client.history(&conversation).await?.len() == 1);
    let other = json!({"user_id": "u", "messages": [{"content": "twice"}]});
    let mismatch = keyed(client, "append-key-1", &other).await?;
    ensure!(mismatch.status == 409 && mismatch.code()? == "idempotency_mismatch", "{mismatch:?}");
    Ok(())
}

/// Many equal requests at the same time store once.
pub async fn races_of_equal_requests_store_once(client: &Client) -> Result<()> {
    let body = json!({"conversation_id": "append-race", "user_id": "u", "messages": [{"content": "once"}]});
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, body) = (client.clone(), body.clone());
        racing.spawn(async move { keyed(&client, "append-race-key", &body).await });
    }
    let mut fresh = 0;
    while let Some(answer) = racing.join_next().await {
        let answer = answer??;
        ensure!(answer.status == 200, "{answer:?}");
        fresh += u32::from(answer.header("idempotency-replayed").is_empty());
    }
    ensure!(fresh == 1, "{fresh} requests were told that they were the first");
    ensure!(client.history("append-race").await?.len() == 1);
    Ok(())
}

/// A message id makes a repost harmless, and stands for one content only.
pub async fn message_ids_stand_once(client: &Client) -> Result<()> {
    let post = |content: &str| {
        let message = json!({"content": content, "message_id": "m-1"});
        json!({"conversation_id": "append-ids", "user_id": "u", "messages": [message]})
    };
    ensure!(client.post("/chats", &post("hello")).await?.ok()?["inserted_count"] == 1);
    let again = client.post("/chats", &post("hello")).await?.ok()?;
    ensure!(again["inserted_count"] == 0 && again["duplicate_count"] == 1, "{again}");
    let other = client.post("/chats", &post("bye")).await?;
    ensure!(other.status == 409 && other.code()? == "conflict", "{other:?}");
    let history = client.history("append-ids").await?;
    ensure!(history.len() == 1 && history[0]["message_id"] == "m-1", "{history:?}");
    Ok(())
}

/// One bad message stores none.
pub async fn all_or_nothing(client: &Client) -> Result<()> {
    let body =
        json!({"conversation_id": "append-all", "user_id": "u", "messages": [{"content": "good"}, {"content": ""}]});
    let refused = client.post("/chats", &body).await?;
    ensure!(refused.status == 400 && refused.code()? == "invalid_request", "{refused:?}");
    ensure!(refused.json()?["detail"]["fields"][0]["path"] == "messages[1].content", "{refused:?}");
    ensure!(client.get("/chats/append-all").await?.code()? == "conversation_not_found");
    Ok(())
}

/// A bridge posts for several people.
pub async fn a_message_may_name_its_own_user(client: &Client) -> Result<()> {
    client.say("append-bridge", &[("anna", "hi"), ("ben", "hello")]).await?;
    let history = client.history("append-bridge").await?;
    ensure!(history[0]["user_id"] == "anna" && history[1]["user_id"] == "ben", "{history:?}");
    Ok(())
}

/// Erasing removes everything, and the name can be used again.
pub async fn erases_a_conversation(client: &Client) -> Result<()> {
    client.say("append-erase", &[("erased-user", "secret")]).await?;
    client.settled_summary("append-erase").await?;
    let erased = client.delete("/chats/append-erase").await?;
    ensure!(erased.status == 204 && erased.text.is_empty(), "{erased:?}");
    for path in ["/chats/append-erase", "/chats/append-erase/summary", "/chats/append-erase/summaries"] {
        let gone = client.get(path).await?;
        ensure!(gone.status == 404 && gone.code()? == "conversation_not_found", "{path}: {gone:?}");
    }
    let history = client.get("/users/erased-user/chats").await?.ok()?;
    ensure!(history["total_conversations"] == 0, "{history}");
    ensure!(client.delete("/chats/append-erase").await?.status == 404);
    client.say("append-erase", &[("u", "anew")]).await?;
    let history = client.history("append-erase").await?;
    ensure!(history.len() == 1 && history[0]["seq"] == 1 && history[0]["content"] == "anew", "{history:?}");
    Ok(())
}

/// Any id is allowed, with whatever needs escaping in a path.
pub async fn takes_any_id(client: &Client) -> Result<()> {
    for id in ["summarize", "a/b?c=d#e", "%00", "🦀 crab", "ünï çødé", "..", "x".repeat(256).as_str()] {
        let id = if id == ".." { "a/../b" } else { id };
        client.say(id, &[("u", id)]).await?;
        let history = client.history(id).await?;
        ensure!(history.len() == 1 && history[0]["content"] == id, "{id}: {history:?}");
        ensure!(client.delete(&format!("/chats/{}", crate::client::encode(id))).await?.status == 204, "{id}");
    }
    Ok(())
}
