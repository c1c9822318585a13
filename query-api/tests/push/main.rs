//! `/ws/summarize` over real WebSocket connections.

mod limits;
mod peers;
mod refusals;
#[path = "../stage/mod.rs"]
mod stage;

use std::sync::atomic::Ordering;

use anyhow::{Result, bail, ensure};
use shared::ports::Announcement;
use shared_testkit::socket::{Frame, Socket};
use shared_testkit::wait;
use stage::{Stage, key};

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
