//! How many sockets, and how many frames on one.

use anyhow::{Result, bail, ensure};
use query_api::QueryConfig;
use shared_testkit::wait;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::refusals::refused;
use crate::stage::Stage;

#[tokio::test]
async fn an_address_gets_as_many_sockets_as_set() -> Result<()> {
    let stage = Stage::with(QueryConfig { max_sockets_per_address: Some(2), ..QueryConfig::default() }).await?;
    let first = stage.listen("conversation_id=a").await?;
    let _second = stage.listen("conversation_id=b").await?;
    match tokio_tungstenite::connect_async(format!("ws://{}/ws/summarize", stage.address)).await {
        Err(Error::Http(response)) => ensure!(response.status() == 429, "{response:?}"),
        other => bail!("one too many: {other:?}"),
    }
    drop(first);
    wait::until("the place to be free again", || async { Ok(stage.listen("conversation_id=c").await.ok()) }).await?;
    Ok(())
}

#[tokio::test]
async fn a_conversation_gets_as_many_sockets_as_set() -> Result<()> {
    let stage = Stage::with(QueryConfig { max_sockets_per_conversation: 2, ..QueryConfig::default() }).await?;
    stage.tell("c", "First.");
    let mut first = stage.listen("conversation_id=c").await?;
    let mut second = stage.listen("conversation_id=c&summary_type=detailed").await?;
    first.until("insights").await?;
    second.until("insights").await?;
    refused(&mut stage.listen("conversation_id=c").await?, "overloaded", 1013).await?;
    stage.tell("d", "Another.");
    stage.listen("conversation_id=d").await?.until("insights").await?;
    drop(first);
    wait::until("the place to be free again", || async {
        let mut socket = stage.listen("conversation_id=c").await?;
        Ok(socket.until("insights").await.ok())
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_flood_of_frames_ends_the_socket_and_a_few_do_not() -> Result<()> {
    let stage = Stage::with(QueryConfig { socket_frames: 20, ..QueryConfig::default() }).await?;
    stage.tell("c", "First.");
    let mut calm = stage.listen("conversation_id=c").await?;
    for _ in 0..20 {
        calm.send(Message::Ping(bytes::Bytes::new())).await?;
    }
    stage.tell("c", "Second.");
    ensure!(calm.until_covered(2).await?["version"] == 2);

    for query in ["conversation_id=nowhere", ""] {
        let mut flood = stage.listen(query).await?;
        // More than could be spread over seconds; once the server closes, sending fails.
        for _ in 0..10_000 {
            if flood.send(Message::Ping(bytes::Bytes::new())).await.is_err() {
                break;
            }
        }
        refused(&mut flood, "rate_limited", 1013).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_largest_message_is_read_and_one_byte_more_is_not() -> Result<()> {
    let stage = Stage::new().await?;
    stage.tell("c", "First.");
    let frame = r#"{"conversation_id":"c"}"#;
    let mut largest = stage.listen("").await?;
    largest.text(&format!("{frame}{}", " ".repeat(64 * 1024 - frame.len()))).await?;
    largest.until("insights").await?;
    let mut larger = stage.listen("").await?;
    larger.text(&format!("{frame}{}", " ".repeat(64 * 1024 + 1 - frame.len()))).await?;
    refused(&mut larger, "payload_too_large", 1008).await
}
