//! What is wrong on a socket, and how it is told: an `error` frame, then a close code.

use anyhow::{Result, bail, ensure};
use tokio_tungstenite::tungstenite::Message;

use crate::socket::{Frame, Socket};

/// An `error` frame with a code, then this close code.
async fn refused(socket: &mut Socket, close: u16) -> Result<()> {
    match socket.next().await? {
        Frame::Json(frame) if frame["type"] == "error" && frame["detail"]["code"].is_string() => {}
        other => bail!("no error frame but {other:?}"),
    }
    let (code, reason) = socket.closed().await?;
    ensure!(code == close, "closed with {code} {reason}");
    Ok(())
}

/// A first frame of the wrong shape.
pub async fn refuses_wrong_first_frames(address: &str) -> Result<()> {
    let long = format!(r#"{{"conversation_id":"{}"}}"#, "x".repeat(257));
    for text in [
        "",
        "nonsense",
        "[]",
        "{}",
        r#"{"conversation_id":""}"#,
        r#"{"conversation_id":"c","summary_type":"long"}"#,
        r#"{"conversation_id":"c","since_version":-1}"#,
        r#"{"conversation_id":"c","colour":"red"}"#,
        long.as_str(),
    ] {
        let mut socket = Socket::connect(address, "").await?;
        socket.text(text).await?;
        refused(&mut socket, 1008).await.map_err(|error| error.context(text.to_owned()))?;
    }
    let mut socket = Socket::connect(address, "").await?;
    socket.send(Message::binary(vec![1, 2, 3])).await?;
    refused(&mut socket, 1008).await
}

/// No first frame at all.
pub async fn does_not_wait_for_ever(address: &str) -> Result<()> {
    let mut socket = Socket::connect(address, "").await?;
    refused(&mut socket, 1008).await
}

/// A frame larger than any that is meant: the connection ends, whatever was listened to.
pub async fn refuses_oversized_frames(address: &str) -> Result<()> {
    let mut socket = Socket::connect(address, "").await?;
    // The server may cut the connection while this is being sent.
    let _ = socket.text(&"x".repeat(200_000)).await;
    loop {
        match socket.next().await {
            Ok(Frame::Json(_)) => {}
            Ok(Frame::Closed(..) | Frame::Gone) | Err(_) => return Ok(()),
        }
    }
}
