//! Starting, stopping, and what a folder protects itself from.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use shared_testkit::client::Client;
use shared_testkit::process::Launch;
use shared_testkit::scenarios;
use shared_testkit::socket::{Frame, Socket};

use crate::{RECAP, Recap, check};

#[tokio::test(flavor = "multi_thread")]
async fn stops_cleanly_and_tells_listeners() -> Result<()> {
    let recap = Recap::start().await?;
    recap.client.say("stop", &[("u", "before the stop")]).await?;
    let mut socket = Socket::connect(recap.server.address(), "conversation_id=stop").await?;
    socket.until("summary").await?;
    let begun = Instant::now();
    let stopping = tokio::spawn(recap.server.stop());
    let close = loop {
        match socket.next().await? {
            Frame::Closed(code, _) => break code,
            Frame::Gone => anyhow::bail!("no close frame"),
            Frame::Json(_) => {}
        }
    };
    ensure!(close == 1001, "closed with {close}");
    drop(socket);
    ensure!(stopping.await??.code() == Some(0));
    // Promised: at most 10 s. The test allows for a busy machine.
    ensure!(begun.elapsed() < Duration::from_secs(20), "it took {:?}", begun.elapsed());
    check(recap.data.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_folder_stops_with_a_clear_line() -> Result<()> {
    let recap = Recap::start().await?;
    let second = Launch::recap(RECAP, recap.data.path()).output().await?;
    let text = String::from_utf8_lossy(&second.stderr);
    ensure!(second.status.code() == Some(1) && text.contains("another process"), "{} {text}", second.status);
    recap.server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_survives_a_restart() -> Result<()> {
    let data = tempfile::tempdir()?;
    let launch = scenarios::settings(Launch::recap(RECAP, data.path()));
    let server = launch.start().await?;
    let client = Client::new(server.address())?;
    client.say("restart", &[("u", "one"), ("v", "two")]).await?;
    let before = client.settled_summary("restart").await?;
    server.stop().await?;
    let server = launch.start().await?;
    let client = Client::new(server.address())?;
    ensure!(client.history("restart").await?.len() == 2);
    ensure!(client.get("/chats/restart/summary").await?.ok()? == before);
    client.say("restart", &[("u", "three")]).await?;
    ensure!(client.settled_summary("restart").await?["covers"]["messages"] == 3);
    server.stop().await?;
    check(data.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_views_are_made_anew() -> Result<()> {
    let recap = Recap::start().await?;
    recap.client.say("lost", &[("lost-user", "one"), ("v", "two")]).await?;
    recap.client.settled_summary("lost").await?;
    recap.server.stop().await?;
    for entry in std::fs::read_dir(recap.data.path())? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("views.db")) {
            std::fs::remove_file(path)?;
        }
    }
    let server = scenarios::settings(Launch::recap(RECAP, recap.data.path())).start().await?;
    let client = Client::new(server.address())?;
    let summary = client.settled_summary("lost").await?;
    ensure!(summary["covers"]["messages"] == 2, "{summary}");
    ensure!(client.get("/users/lost-user/chats").await?.ok()?["total_conversations"] == 1);
    server.stop().await?;
    check(recap.data.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_conversation_ends_by_itself() -> Result<()> {
    let recap = Recap::with(|launch| scenarios::settings(launch).env("CONVERSATION_IDLE_END", "1s")).await?;
    let mut socket = Socket::connect(recap.server.address(), "conversation_id=idle").await?;
    recap.client.say("idle", &[("u", "anyone?")]).await?;
    let ended = socket.until("ended").await?;
    ensure!(ended["reason"] == "idle", "{ended}");
    ensure!(socket.closed().await?.0 == 1000);
    recap.client.post("/chats/idle/end", &json!({})).await?.ok()?;
    recap.server.stop().await?;
    check(recap.data.path()).await
}
