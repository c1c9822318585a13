//! Listening: frames, their order, and how a connection ends.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::client::Client;
use crate::socket::{Frame, Socket};

/// A listener gets the insights while messages flow, then versions, ascending, up to the last message.
pub async fn hears_of_new_messages(client: &Client, address: &str) -> Result<()> {
    let mut socket = Socket::connect(address, "conversation_id=push-live&summary_type=detailed").await?;
    client.say("push-live", &[("anna", "Can you send the report by Friday, Ben?"), ("ben", "I'll send it.")]).await?;
    // Which of the two comes first is not promised.
    let (mut counted, mut covered) = (false, false);
    while !(counted && covered) {
        match socket.next().await? {
            Frame::Json(frame) if frame["type"] == "insights" => counted |= frame["message_count"] == 2,
            Frame::Json(frame) if frame["type"] == "summary" => {
                ensure!(frame["summary_type"] == "detailed" && frame["conversation_id"] == "push-live", "{frame}");
                covered |= frame["covers"]["last_seq"] == 2;
            }
            // Where a model writes, its text so far.
            Frame::Json(frame) if frame["type"] == "partial" => {}
            other => anyhow::bail!("while messages flow came {other:?}"),
        }
    }
    client.say("push-live", &[("anna", "Thanks, that was quick!")]).await?;
    socket.until_covered(3).await?;
    Ok(())
}

/// Named in the first frame instead of the query, and only what is newer than the client has.
pub async fn resumes_from_a_version(client: &Client, address: &str) -> Result<()> {
    client.say("push-resume", &[("u", "The budget was approved.")]).await?;
    let stored = client.settled_summary("push-resume").await?;
    let mut socket = Socket::connect(address, "").await?;
    socket.text(r#"{"conversation_id":"push-resume","summary_type":"brief"}"#).await?;
    let first = socket.until("summary").await?;
    ensure!(first["version"] == stored["version"], "{first}");
    let mut resumed = Socket::connect(address, "").await?;
    let ask = json!({"conversation_id": "push-resume", "since_version": stored["version"]});
    resumed.text(&ask.to_string()).await?;
    client.say("push-resume", &[("u", "We start on Monday.")]).await?;
    let next = resumed.until("summary").await?;
    ensure!(next["version"].as_u64() > stored["version"].as_u64(), "{next}");
    Ok(())
}

/// The end: a last summary, `ended`, close 1000. A later message opens the conversation again.
pub async fn ends_and_opens_again(client: &Client, address: &str) -> Result<()> {
    client.say("push-end", &[("u", "We ship on Friday.")]).await?;
    let mut socket = Socket::connect(address, "conversation_id=push-end").await?;
    let ended = client.post("/chats/push-end/end", &json!({})).await?;
    ensure!(ended.status == 200, "{ended:?}");
    ensure!(client.post("/chats/push-end/end", &json!({})).await?.status == 200, "the end is not idempotent");
    let mut covered = false;
    loop {
        match socket.next().await? {
            Frame::Json(frame) if frame["type"] == "summary" => covered = frame["covers"]["last_seq"] == 1,
            Frame::Json(frame) if frame["type"] == "ended" => break,
            Frame::Json(_) => {}
            other => anyhow::bail!("before `ended` came {other:?}"),
        }
    }
    ensure!(covered, "no last summary before `ended`");
    ensure!(socket.closed().await? == (1000, "conversation ended".to_owned()));
    client.say("push-end", &[("u", "One more thing.")]).await?;
    let mut again = Socket::connect(address, "conversation_id=push-end").await?;
    again.until_that("summary", |frame| frame["covers"]["messages"] == 2).await?;
    let history = client.history("push-end").await?;
    ensure!(history.len() == 2, "{history:?}");
    Ok(())
}

/// What does not exist cannot be ended.
pub async fn only_what_exists_ends(client: &Client) -> Result<()> {
    let missing = client.post("/chats/push-nowhere/end", &json!({})).await?;
    ensure!(missing.status == 404 && missing.code()? == "conversation_not_found", "{missing:?}");
    Ok(())
}

/// Erasing a conversation tells its listeners and closes them.
pub async fn erasing_tells_listeners(client: &Client, address: &str) -> Result<()> {
    client.say("push-erase", &[("u", "secret")]).await?;
    let mut socket = Socket::connect(address, "conversation_id=push-erase").await?;
    socket.until("summary").await?;
    ensure!(client.delete("/chats/push-erase").await?.status == 204);
    socket.closed().await?;
    Ok(())
}
