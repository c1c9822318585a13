//! `/ws/summarize` over real WebSocket connections.

mod stage;

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::StreamExt as _;
use query_api::QueryConfig;
use shared::ports::Announcement;
use shared_testkit::socket::{Frame, Socket};
use shared_testkit::wait;
use stage::{Stage, key, seconds};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};

/// An `error` frame with this code, then this close code, then the end of the connection.
async fn refused(socket: &mut Socket, code: &str, close: u16) -> Result<()> {
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

async fn ended(socket: &mut Socket, reason: &str) -> Result<()> {
    match socket.next().await? {
        Frame::Json(frame) if frame["type"] == "ended" => ensure!(frame["reason"] == reason, "{frame}"),
        other => bail!("no ended frame but {other:?}"),
    }
    ensure!(socket.next().await? == Frame::Closed(1000, "conversation ended".to_owned()));
    Ok(())
}

#[tokio::test]
async fn the_stored_summary_comes_at_once_and_then_each_new_version() -> Result<()> {
    let stage = Stage::new().await?;
    stage.tell("c", "We ship on Friday.");
    let mut socket = stage.listen("conversation_id=c&summary_type=detailed").await?;
    let first = socket.until("summary").await?;
    ensure!(first["version"] == 1 && first["summary_type"] == "detailed" && first["conversation_id"] == "c", "{first}");
    let asked = serde_json::json!({"conversation_id": "c", "summary_type": "detailed"});
    let mut posted = stage.client.post("/chats/summarize", &asked).await?.ok()?;
    posted["type"] = "summary".into();
    ensure!(posted == first, "not the body of POST /chats/summarize: {first}");
    let insights = socket.until("insights").await?;
    ensure!(insights["message_count"] == 1 && insights["stale_messages"] == 0, "{insights}");
    for list in ["participants", "trend", "keywords"] {
        ensure!(insights[list].is_array(), "{list}: {insights}");
    }
    ensure!(insights["questions"] == 0 && insights["sentiment"].is_string(), "{insights}");
    ensure!(stage.tell("c", "Or on Monday?").0 == 2);
    ensure!(socket.until_covered(2).await?["version"] == 2);
    Ok(())
}

#[tokio::test]
async fn a_conversation_that_does_not_exist_yet_may_be_listened_to() -> Result<()> {
    let stage = Stage::new().await?;
    let mut socket = stage.listen("").await?;
    socket.text(r#"{"conversation_id":"later","summary_type":"brief","since_version":0}"#).await?;
    wait::until("the load of the room", || async { Ok((stage.views.row_reads.get() > 0).then_some(())) }).await?;
    stage.post("later", "anna", "Hello!", 1_000);
    stage.project("later");
    ensure!(socket.until("insights").await?["message_count"] == 1);
    stage.summarize("later");
    ensure!(socket.until("summary").await?["version"] == 1);
    Ok(())
}

#[tokio::test]
async fn many_listeners_share_one_load() -> Result<()> {
    let stage = Stage::new().await?;
    stage.tell("c", "First.");
    stage.heard().await?;
    let mut sockets = Vec::new();
    for _ in 0..50 {
        let mut socket = stage.listen("conversation_id=c").await?;
        ensure!(socket.until("summary").await?["version"] == 1);
        sockets.push(socket);
    }
    let before = (stage.views.row_reads.get(), stage.views.summary_reads.get());
    stage.store_summary("c");
    stage.bus.say(Announcement::Summarized { key: key("c"), version: shared::domain::Version(2) });
    for socket in &mut sockets {
        ensure!(socket.until("summary").await?["version"] == 2);
    }
    let after = (stage.views.row_reads.get(), stage.views.summary_reads.get());
    ensure!(after == (before.0 + 1, before.1 + 1), "{before:?} then {after:?}");
    Ok(())
}

#[tokio::test]
async fn a_version_that_the_client_has_is_skipped() -> Result<()> {
    let stage = Stage::new().await?;
    stage.tell("c", "First.");
    let mut socket = stage.listen("conversation_id=c&since_version=1").await?;
    match socket.next().await? {
        Frame::Json(frame) if frame["type"] == "insights" => {}
        other => bail!("{other:?} came first"),
    }
    stage.tell("c", "Second.");
    ensure!(socket.until("summary").await?["version"] == 2);
    Ok(())
}

#[tokio::test]
async fn the_end_is_a_last_summary_then_ended_then_close_1000() -> Result<()> {
    let stage = Stage::new().await?;
    stage.post("c", "anna", "We ship on Friday.", 1_000);
    stage.project("c");
    stage.heard().await?;
    let mut socket = stage.listen("conversation_id=c").await?;
    socket.until("insights").await?;
    stage.end("c");
    stage.project("c");
    stage.summarize("c");
    stage.bus.say(Announcement::Ended { key: key("c") });
    ensure!(socket.until("summary").await?["covers"]["last_seq"] == 1);
    socket.until("ended").await?;
    ensure!(socket.next().await? == Frame::Closed(1000, "conversation ended".to_owned()));
    let mut late = stage.listen("conversation_id=c").await?;
    ensure!(late.until("summary").await?["version"] == 1);
    late.until("insights").await?;
    ended(&mut late, "requested").await?;
    stage.post("c", "anna", "One more thing.", 2_000);
    let mut again = stage.listen("conversation_id=c").await?;
    again.until("summary").await?;
    stage.project("c");
    stage.summarize("c");
    ensure!(again.until("summary").await?["covers"]["messages"] == 2);
    Ok(())
}

#[tokio::test]
async fn erasing_ends_with_a_reason_even_if_its_announcement_is_lost() -> Result<()> {
    let stage = Stage::new().await?;
    for announced in [true, false] {
        stage.tell("c", "secret");
        stage.heard().await?;
        let mut socket = stage.listen("conversation_id=c").await?;
        socket.until("summary").await?;
        socket.until("insights").await?;
        stage.erase("c");
        if announced {
            stage.bus.say(Announcement::Erased { key: key("c") });
        } else {
            stage.bus.cut();
        }
        ended(&mut socket, "erased").await?;
    }
    Ok(())
}

#[tokio::test]
async fn partial_text_is_shown_unless_switched_off() -> Result<()> {
    let stage = Stage::new().await?;
    stage.tell("c", "First.");
    stage.heard().await?;
    let mut on = stage.listen("conversation_id=c").await?;
    let mut off = stage.listen("conversation_id=c&partial=0").await?;
    on.until("insights").await?;
    off.until("insights").await?;
    stage.bus.say(Announcement::Partial { key: key("c"), text: "The first \"words\"".into() });
    ensure!(on.until("partial").await?["text"] == "The first \"words\"");
    stage.summarize("c");
    loop {
        match off.next().await? {
            Frame::Json(frame) if frame["type"] == "summary" => break,
            Frame::Json(frame) if frame["type"] == "insights" => {}
            other => bail!("{other:?} came to a listener without partial"),
        }
    }
    Ok(())
}

#[tokio::test]
async fn missed_announcements_are_made_up_for_from_the_views() -> Result<()> {
    let stage = Stage::new().await?;
    stage.tell("c", "First.");
    stage.heard().await?;
    let mut socket = stage.listen("conversation_id=c").await?;
    socket.until("summary").await?;
    stage.post("c", "anna", "Second.", 2_000);
    stage.project("c");
    stage.store_summary("c");
    // More than the bus keeps for a reader.
    for _ in 0..200 {
        stage.bus.say(Announcement::Projected { key: key("elsewhere"), seq: stage::seq(1) });
    }
    ensure!(socket.until("summary").await?["version"] == 2);
    stage.store_summary("c");
    stage.bus.cut();
    ensure!(socket.until("summary").await?["version"] == 3);
    Ok(())
}

#[tokio::test]
async fn a_store_that_was_away_is_read_again() -> Result<()> {
    let stage = Stage::new().await?;
    stage.tell("c", "First.");
    stage.views.away.store(true, Ordering::SeqCst);
    let mut socket = stage.listen("conversation_id=c").await?;
    stage.views.away.store(false, Ordering::SeqCst);
    ensure!(socket.until("summary").await?["version"] == 1);
    Ok(())
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
async fn upgrade_by_hand(address: &str) -> Result<TcpStream> {
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

#[tokio::test]
async fn a_peer_that_does_not_answer_pings_is_dropped_and_one_that_does_is_kept() -> Result<()> {
    let config = QueryConfig { socket_ping_every: Duration::from_millis(50), ..QueryConfig::default() };
    let stage = Stage::with(config).await?;
    let url = format!("ws://{}/ws/summarize?conversation_id=c", stage.address);
    let (mut answering, _) = tokio_tungstenite::connect_async(url).await?;
    let mut silent = upgrade_by_hand(&stage.address).await?;
    let subscribe = br#"{"conversation_id":"c"}"#;
    silent.write_all(&[0x81, 0x97, 0, 0, 0, 0]).await?;
    silent.write_all(subscribe).await?;
    let mut pings = Vec::new();
    let reading = silent.read_to_end(&mut pings);
    tokio::pin!(reading);
    let mut answered = 0;
    tokio::time::timeout(seconds(60), async {
        loop {
            tokio::select! {
                read = &mut reading => {
                    read?;
                    break;
                }
                // Reading answers pings by itself.
                message = answering.next() => match message.context("the answering peer was dropped")?? {
                    Message::Ping(_) => answered += 1,
                    other => bail!("{other:?}"),
                },
            }
        }
        while answered < 5 {
            let message = answering.next().await.context("the answering peer was dropped")??;
            answered += usize::from(message.is_ping());
        }
        Ok(())
    })
    .await??;
    ensure!(pings == [0x89, 0, 0x89, 0], "{pings:?}");
    Ok(())
}

#[tokio::test]
async fn a_slow_listener_is_sent_the_newest_version_only() -> Result<()> {
    let config = QueryConfig { socket_write_timeout: seconds(600), ..QueryConfig::default() };
    let stage = Stage::with(config).await?;
    stage.tell("c", "First.");
    stage.heard().await?;
    let mut fast = stage.listen("conversation_id=c").await?;
    let mut slow = stage.listen("conversation_id=c").await?;
    // Far more than the buffers of a connection hold.
    let versions = 40;
    for version in 2..=versions {
        stage.store_long_summary("c", 600_000);
        stage.bus.say(Announcement::Summarized { key: key("c"), version: shared::domain::Version(version) });
        fast.until_that("summary", |frame| frame["version"] == version).await?;
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&versions) {
        let version = slow.until("summary").await?["version"].as_u64().context("no version")?;
        ensure!(seen.last().is_none_or(|last| *last < version), "{version} after {seen:?}");
        seen.push(version);
    }
    ensure!(seen.len() < 40, "all of it was queued: {} versions", seen.len());
    Ok(())
}

#[tokio::test]
async fn a_listener_that_reads_nothing_is_dropped() -> Result<()> {
    let config =
        QueryConfig { socket_write_timeout: Duration::from_millis(200), max_sockets: 2, ..QueryConfig::default() };
    let stage = Stage::with(config).await?;
    stage.heard().await?;
    let mut deaf = upgrade_by_hand(&stage.address).await?;
    deaf.write_all(&[0x81, 0x97, 0, 0, 0, 0]).await?;
    deaf.write_all(br#"{"conversation_id":"c"}"#).await?;
    wait::until("the load of the room", || async { Ok((stage.views.row_reads.get() > 0).then_some(())) }).await?;
    let text = "x".repeat(1_000_000);
    let _held = stage.listen("conversation_id=other").await?;
    // Both places are taken until the deaf one is dropped.
    wait::until("the deaf one to be dropped", || async {
        stage.bus.say(Announcement::Partial { key: key("c"), text: text.clone() });
        Ok(stage.listen("conversation_id=other").await.ok())
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn at_shutdown_sockets_close_with_1001() -> Result<()> {
    let stage = Stage::new().await?;
    let mut named = stage.listen("conversation_id=c").await?;
    let mut unnamed = stage.listen("").await?;
    stage.heard().await?;
    stage.tasks.stop();
    let tasks = stage.tasks.clone();
    let stopped = tokio::spawn(async move { tasks.shutdown(seconds(10)).await });
    for socket in [&mut named, &mut unnamed] {
        ensure!(socket.closed().await?.0 == 1001);
    }
    drop((named, unnamed));
    stopped.await??;
    Ok(())
}
