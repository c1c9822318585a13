//! Frames of the WebSocket, both ways.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use shared_testkit::socket::{Frame, Socket};

use super::documents::{Documents, holds};
use crate::Recap;

/// Reads frames to the close frame, each held against its schema. Answers which types came, and the code.
async fn read(documents: &Documents, socket: &mut Socket, seen: &mut BTreeSet<String>) -> Result<u16> {
    loop {
        match socket.next().await? {
            Frame::Json(frame) => {
                let kind = frame["type"].as_str().with_context(|| format!("no type: {frame}"))?;
                holds(&documents.message(kind)?, &frame).with_context(|| format!("a frame {kind}"))?;
                seen.insert(kind.to_owned());
            }
            Frame::Closed(code, _) => return Ok(code),
            Frame::Gone => anyhow::bail!("the connection ended without a close frame"),
        }
    }
}

/// Which types of frames came.
pub(crate) async fn are_described(documents: &Documents, recap: &Recap) -> Result<BTreeSet<String>> {
    let mut seen = BTreeSet::new();
    let address = recap.server.address();
    let client = &recap.client;

    let mut by_query = Socket::connect(address, "conversation_id=frames&summary_type=detailed").await?;
    let first = json!({ "conversation_id": "frames", "summary_type": null, "since_version": 0, "partial": false });
    holds(&documents.message("listen")?, &first)?;
    let mut by_frame = Socket::connect(address, "").await?;
    by_frame.text(&first.to_string()).await?;
    client.say("frames", &[("ana", "Can we ship on Friday?"), ("ben", "I will fix the tests by tomorrow.")]).await?;
    client.settled_summary("frames").await?;
    client.post("/chats/frames/end", &json!({})).await?.ok()?;
    ensure!(read(documents, &mut by_query, &mut seen).await? == 1000);
    ensure!(read(documents, &mut by_frame, &mut seen).await? == 1000);

    client.say("erased", &[("ana", "forget this")]).await?;
    let mut erased = Socket::connect(address, "conversation_id=erased").await?;
    let insights = erased.until("insights").await?;
    holds(&documents.message("insights")?, &insights)?;
    ensure!(client.delete("/chats/erased").await?.status == 204);
    ensure!(read(documents, &mut erased, &mut seen).await? == 1000);

    for bad in [
        json!({}),
        json!([]),
        json!({ "conversation_id": null }),
        json!({ "conversation_id": "" }),
        json!({ "conversation_id": "c", "since_version": -1 }),
        json!({ "conversation_id": "c", "since_version": 1.5 }),
        json!({ "conversation_id": "c", "summary_type": "long" }),
        json!({ "conversation_id": "c", "partial": "no" }),
        json!({ "conversation_id": "c", "else": 1 }),
    ] {
        ensure!(!documents.message("listen")?.is_valid(&bad), "the schema takes {bad}");
        let mut socket = Socket::connect(address, "").await?;
        socket.text(&bad.to_string()).await?;
        ensure!(read(documents, &mut socket, &mut seen).await? == 1008, "the server takes {bad}");
    }
    Ok(seen)
}
