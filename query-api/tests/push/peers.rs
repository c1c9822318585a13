//! Peers that are silent, slow or gone, and the end of the process.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::StreamExt as _;
use query_api::QueryConfig;
use shared::ports::Announcement;
use shared_testkit::wait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use crate::refusals::upgrade_by_hand;
use crate::stage::{Stage, key, seconds};

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
