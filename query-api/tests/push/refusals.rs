//! What is wrong on a socket, and what it is told.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use query_api::QueryConfig;
use shared_testkit::socket::{Frame, Socket};
use shared_testkit::wait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::stage::{Stage, seconds};

/// An `error` frame with this code, then this close code, then the end of the connection.
pub(crate) async fn refused(socket: &mut Socket, code: &str, close: u16) -> Result<()> {
    match socket.next().await? {
        Frame::Json(frame) if frame["type"] == "error" && frame["detail"]["code"] == code => {
            ensure!(frame["detail"]["error"].is_string() && frame["detail"]["timestamp"].is_string(), "{frame}");
        }
        other => bail!("no error frame with {code} but {other:?}"),
    }
    match socket.next().await? {
        Frame::Closed(found, _) if found == close => Ok(()),
        other => bail!("no close with {close} but {other:?}"),
    }
}

#[tokio::test]
async fn each_wrong_frame_has_its_code() -> Result<()> {
    let config = QueryConfig { socket_first_frame: Duration::from_millis(200), ..QueryConfig::default() };
    let stage = Stage::with(config).await?;
    let mut silent = stage.listen("").await?;
    refused(&mut silent, "timeout", 1008).await?;
    let stage = Stage::new().await?;
    stage.tell("c", "First.");
    for (text, code) in [
        ("", "invalid_json"),
        ("hello", "invalid_json"),
        ("[]", "invalid_request"),
        ("{}", "invalid_request"),
        (r#"{"conversation_id":""}"#, "invalid_request"),
        (r#"{"conversation_id":"c","summary_type":"long"}"#, "invalid_request"),
        (r#"{"conversation_id":"c","since_version":-1}"#, "invalid_request"),
        (r#"{"conversation_id":"c","other":1}"#, "invalid_request"),
    ] {
        let mut socket = stage.listen("").await?;
        socket.text(text).await?;
        refused(&mut socket, code, 1008).await.with_context(|| text.to_owned())?;
    }
    let mut binary = stage.listen("").await?;
    binary.send(Message::binary(vec![1, 2, 3])).await?;
    refused(&mut binary, "invalid_request", 1008).await?;
    let mut large = stage.listen("").await?;
    large.text(&"x".repeat(65_537)).await?;
    refused(&mut large, "payload_too_large", 1008).await?;
    let mut second = stage.listen("conversation_id=c").await?;
    second.until("insights").await?;
    second.text(r#"{"conversation_id":"d"}"#).await?;
    refused(&mut second, "invalid_request", 1008).await?;
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_no_websocket_frames_get_an_error_frame() -> Result<()> {
    let stage = Stage::new().await?;
    for (bytes, code) in [
        // Not masked.
        (&[0x81, 0x02, b'{', b'}'][..], "invalid_request"),
        // A reserved bit is set.
        (&[0xc1, 0x82, 0, 0, 0, 0, b'{', b'}'], "invalid_request"),
        // No UTF-8.
        (&[0x81, 0x81, 0, 0, 0, 0, 0xff], "invalid_json"),
    ] {
        let mut raw = upgrade_by_hand(&stage.address).await?;
        raw.write_all(bytes).await?;
        let mut rest = Vec::new();
        tokio::time::timeout(seconds(30), raw.read_to_end(&mut rest)).await??;
        let text = String::from_utf8_lossy(&rest);
        ensure!(text.contains(r#"{"type":"error""#) && text.contains(code), "{bytes:?}: {text}");
        let close = [0x88, 21, 0x03, 0xf0];
        ensure!(rest.windows(4).any(|window| window == close), "no close frame with 1008: {rest:?}");
    }
    Ok(())
}

/// A connection whose frames are up to the test.
pub(crate) async fn upgrade_by_hand(address: &str) -> Result<TcpStream> {
    let mut raw = TcpStream::connect(address).await?;
    let request = "GET /ws/summarize HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    raw.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(raw.read_u8().await?);
    }
    let head = String::from_utf8(head)?;
    ensure!(head.starts_with("HTTP/1.1 101") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    Ok(raw)
}

#[tokio::test]
async fn a_refused_upgrade_has_the_error_body() -> Result<()> {
    let stage = Stage::with(QueryConfig { max_sockets: 1, ..QueryConfig::default() }).await?;
    let plain = stage.client.get("/ws/summarize?conversation_id=c").await?;
    ensure!(plain.status == 400 && plain.code()? == "invalid_request", "{plain:?}");
    for query in ["conversation_id=", "colour=red", "summary_type=long", "since_version=x", "partial=2"] {
        let url = format!("ws://{}/ws/summarize?{query}", stage.address);
        match tokio_tungstenite::connect_async(url).await {
            Err(Error::Http(response)) => ensure!(response.status() == 400, "{query}: {response:?}"),
            other => bail!("{query}: {other:?}"),
        }
    }
    let held = stage.listen("conversation_id=c").await?;
    match tokio_tungstenite::connect_async(format!("ws://{}/ws/summarize", stage.address)).await {
        Err(Error::Http(response)) => ensure!(response.status() == 503, "{response:?}"),
        other => bail!("one too many: {other:?}"),
    }
    drop(held);
    wait::until("the place to be free again", || async { Ok(stage.listen("conversation_id=c").await.ok()) }).await?;
    Ok(())
}
