//! Messages edited and erased: what they said before is found nowhere, and all else goes on.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::client::Client;
use crate::socket::Socket;
use crate::wait;

/// A talk whose second message is in every summary of it.
async fn talk(client: &Client, conversation: &str, word: &str) -> Result<Value> {
    let decided = format!("We decided to ship project {word} on Friday, and Ana will write the release notes.");
    let body = json!({"conversation_id": conversation, "user_id": "change-ana", "messages": [
        {"content": "Good morning! What about the release?"},
        {"content": decided, "user_id": format!("change-{word}"), "message_id": "m-2", "metadata": {"word": word}},
        {"content": "I will fix the payment tests by tomorrow."},
    ]});
    client.post("/chats", &body).await?.ok()?;
    let summary = client.settled_summary(conversation).await?;
    ensure!(summary.to_string().contains(word), "the word must be in what is made of it: {summary}");
    Ok(summary)
}

/// Everything that can be read of a conversation.
async fn everything(client: &Client, conversation: &str) -> Result<String> {
    let mut all = String::new();
    for path in [
        format!("/chats/{conversation}?limit=500"),
        format!("/chats/{conversation}/summary?summary_type=detailed"),
        format!("/chats/{conversation}/summaries?limit=100"),
        format!("/chats/{conversation}/summaries?limit=100&summary_type=detailed"),
        format!("/chats?contains={conversation}"),
        "/users/change-ana/chats?limit=100".to_owned(),
    ] {
        all.push_str(&client.get(&path).await?.text);
    }
    Ok(all)
}

/// An edit is seen in history with its time, and the old text nowhere; a new summary follows unasked.
pub async fn edits_a_message(client: &Client) -> Result<()> {
    let conversation = "change-edit";
    let before = talk(client, conversation, "zanzibar").await?;
    let path = format!("/chats/{conversation}/messages/2");
    let told = "We decided to ship project madagascar on Monday.";
    let edited = client.patch(&path, &json!({"content": told})).await?.ok()?;
    ensure!(edited["content"] == told && edited["seq"] == 2 && edited["metadata"]["word"] == "zanzibar", "{edited}");
    ensure!(edited["edited_at"].is_string() && edited["message_id"] == "m-2", "{edited}");
    let bare = client.patch(&path, &json!({"metadata": null})).await?.ok()?;
    ensure!(bare["content"] == told && bare["metadata"].is_null(), "{bare}");
    let same = client.patch(&path, &json!({"content": told, "metadata": null})).await?.ok()?;
    ensure!(same == bare, "nothing changed: {same} and {bare}");
    ensure!(!everything(client, conversation).await?.contains("project zanzibar"), "at once");
    let history = client.history(conversation).await?;
    ensure!(history.len() == 3 && history[1] == bare && history[0].get("edited_at").is_none(), "{history:?}");
    let after = wait::until("a summary of the edited message", || async {
        let summary = client.settled_summary(conversation).await?;
        // Two edits are two records.
        Ok((summary["covers"]["last_seq"] == 5).then_some(summary))
    })
    .await?;
    ensure!(after["version"].as_u64() > before["version"].as_u64() && after["covers"]["messages"] == 3, "{after}");
    ensure!(after.to_string().contains("madagascar"), "{after}");
    let again = json!({"conversation_id": conversation, "user_id": "change-zanzibar", "messages": [
        {"content": "anything", "message_id": "m-2"}]});
    let again = client.post("/chats", &again).await?.ok()?;
    ensure!(again["duplicate_count"] == 1 && again["inserted_count"] == 0, "{again}");
    let asked = client.post("/chats/summarize", &json!({"conversation_id": conversation})).await?.ok()?;
    ensure!(asked["covers"]["last_seq"] == 5, "{asked}");
    ensure!(!everything(client, conversation).await?.contains("project zanzibar"), "in the end");
    Ok(())
}

/// An erased message is left out of everything, and its number is not given again.
pub async fn erases_a_message(client: &Client) -> Result<()> {
    let conversation = "change-erase";
    let before = talk(client, conversation, "samarkand").await?;
    wait::until("its user's history", || async {
        let page = client.get("/users/change-samarkand/chats").await?.ok()?;
        Ok((page["total_conversations"] == 1).then_some(()))
    })
    .await?;
    let path = format!("/chats/{conversation}/messages/2");
    for _ in 0..2 {
        let erased = client.delete(&path).await?;
        ensure!(erased.status == 204 && erased.text.is_empty(), "{erased:?}");
        ensure!(!everything(client, conversation).await?.contains("samarkand on Friday"), "at once");
    }
    let page = client.get(&format!("/chats/{conversation}?limit=2&order=desc")).await?.ok()?;
    let seqs: Vec<_> = page["messages"].as_array().context("no messages")?.iter().map(|m| &m["seq"]).collect();
    ensure!(seqs == [&json!(3), &json!(1)] && page["total_messages"] == 2, "{page}");
    let refused = client.get(&format!("/chats/{conversation}?around_seq=2")).await?;
    ensure!(refused.code()? == "not_found", "{refused:?}");
    let refused = client.patch(&path, &json!({"content": "back again"})).await?;
    ensure!(refused.code()? == "conflict", "{refused:?}");
    wait::until("nothing in its user's history", || async {
        let page = client.get("/users/change-samarkand/chats").await?.ok()?;
        Ok((page["total_conversations"] == 0).then_some(()))
    })
    .await?;
    let after = client.settled_summary(conversation).await?;
    ensure!(after["version"].as_u64() > before["version"].as_u64() && after["covers"]["messages"] == 2, "{after}");
    let row = client.get(&format!("/chats?contains={conversation}")).await?.ok()?;
    ensure!(row["conversations"][0]["message_count"] == 2, "{row}");
    client.say(conversation, &[("change-ana", "And what comes next?")]).await?;
    let history = client.history(conversation).await?;
    ensure!(history.last().is_some_and(|last| last["seq"] == 5), "the erasure has a number: {history:?}");
    client.settled_summary(conversation).await?;
    let all = everything(client, conversation).await?;
    ensure!(!all.contains("samarkand"), "{all}");
    Ok(())
}

/// Where nothing is left there is nothing to summarize, and the conversation goes on.
pub async fn erases_the_only_message(client: &Client) -> Result<()> {
    let conversation = "change-only";
    client.say(conversation, &[("change-only-user", "We decided to leave for Timbuktu.")]).await?;
    client.settled_summary(conversation).await?;
    ensure!(client.delete(&format!("/chats/{conversation}/messages/1")).await?.status == 204);
    let page = client.get(&format!("/chats/{conversation}")).await?.ok()?;
    ensure!(page["messages"] == json!([]) && page["total_messages"] == 0, "{page}");
    let summary = client.get(&format!("/chats/{conversation}/summary")).await?;
    ensure!(summary.code()? == "summary_not_found", "{summary:?}");
    client.say(conversation, &[("change-only-user", "We decided to stay.")]).await?;
    let summary = client.settled_summary(conversation).await?;
    ensure!(summary["covers"]["messages"] == 1 && !summary.to_string().contains("Timbuktu"), "{summary}");
    Ok(())
}

/// Only messages can be changed, by those who may, in ways that are known.
pub async fn says_what_cannot_be_changed(client: &Client) -> Result<()> {
    let conversation = "change-refused";
    client.say(conversation, &[("u", "one")]).await?;
    client.post(&format!("/chats/{conversation}/end"), &json!({})).await?.ok()?;
    for (path, code) in [
        ("change-refused/messages/2", "not_found"),
        ("change-refused/messages/99", "not_found"),
        ("change-nowhere/messages/1", "conversation_not_found"),
        ("change-refused/messages/0", "invalid_request"),
        ("change-refused/messages/one", "invalid_request"),
        ("change-refused/messages/1?force=1", "invalid_request"),
    ] {
        let path = format!("/chats/{path}");
        let refused = client.patch(&path, &json!({"content": "x"})).await?;
        ensure!(refused.code()? == code, "{path}: {refused:?}");
        let refused = client.delete(&path).await?;
        ensure!(refused.code()? == code, "{path}: {refused:?}");
    }
    for body in [
        json!({}),
        json!([]),
        json!({"content": ""}),
        json!({"content": "x", "user_id": "eve"}),
        json!({"content": "x".repeat(32 * 1024 + 1)}),
        json!({"metadata": [1]}),
    ] {
        let refused = client.patch(&format!("/chats/{conversation}/messages/1"), &body).await?;
        ensure!(refused.code()? == "invalid_request", "{refused:?}");
    }
    let history = client.history(conversation).await?;
    ensure!(history.len() == 1 && history[0]["content"] == "one", "{history:?}");
    Ok(())
}

/// Whoever listens is sent what takes the place of the summary that was taken back.
pub async fn tells_listeners(client: &Client, address: &str) -> Result<()> {
    let conversation = "change-heard";
    let before = talk(client, conversation, "trebizond").await?;
    let mut socket = Socket::connect(address, &format!("conversation_id={conversation}")).await?;
    let first = socket.until("summary").await?;
    ensure!(first["version"] == before["version"], "{first}");
    ensure!(client.delete(&format!("/chats/{conversation}/messages/2")).await?.status == 204);
    let next = socket.until_that("summary", |frame| frame["version"].as_u64() > first["version"].as_u64()).await?;
    ensure!(!next.to_string().contains("trebizond") && next["covers"]["messages"] == 2, "{next}");
    Ok(())
}
