//! The main job to its end: a transcript through gateway, two ingest-apis, NATS, three workers, MongoDB's protocol and
//! two query-apis to sockets, with one of each killed on the way.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use deploy::repository;
use deploy::stack::{Plan, Stack};
use reqwest::Method;
use serde_json::{Value, json};
use shared_testkit::ledger::Ledger;
use shared_testkit::socket::{Frame, Socket};
use shared_testkit::transcript;
use shared_testkit::wait;

use crate::stack;

/// Real conversations are no part of the repository: `EVAL_DIR` names a folder of them, else a synthetic one serves.
fn lines() -> Result<Vec<(String, String)>> {
    let folder = std::env::var_os("EVAL_DIR").map_or_else(|| repository().join("../shared/eval"), PathBuf::from);
    let file = folder.join("ami.jsonl");
    if file.exists() {
        return transcript::from_file(&file, 0);
    }
    eprintln!("no transcripts in {}: a synthetic one is used", folder.display());
    Ok(transcript::planning(250))
}

/// A listener that connects again from the version it has, as a dashboard does.
async fn follow(address: String, last: u64) -> Result<Value> {
    let mut version = 0;
    loop {
        let query = format!("conversation_id=meeting&summary_type=detailed&since_version={version}");
        let mut socket = Socket::reconnect(&address, &query).await?;
        while let Frame::Json(frame) = socket.next().await? {
            if frame["type"] != "summary" {
                continue;
            }
            let next = frame["version"].as_u64().context("no version")?;
            ensure!(next > version, "version {next} came after {version}");
            version = next;
            if frame["covers"]["last_seq"].as_u64() >= Some(last) {
                return Ok(frame);
            }
        }
    }
}

/// Posts one batch until it is acknowledged, each message with an id of its own, as a careful client does.
async fn post(stack: &Stack, first: usize, batch: &[(String, String)]) -> Result<()> {
    let message = |(at, (user, text)): (usize, &(String, String))| json!({"user_id": user, "content": text, "message_id": format!("m-{}", first + at)});
    let messages: Vec<Value> = batch.iter().enumerate().map(message).collect();
    let body = json!({"conversation_id": "meeting", "user_id": "bridge", "messages": messages});
    wait::until("a batch to be taken", || async {
        let request = stack.client.request(Method::POST, "/chats").json(&body).timeout(Duration::from_secs(20));
        match stack.client.send(request).await {
            Ok(answer) if answer.status == 200 => Ok(Some(())),
            Ok(answer) if !matches!(answer.status.as_u16(), 503 | 504) => anyhow::bail!("{answer:?}"),
            _ => Ok(None),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_reaches_its_listeners_while_one_of_each_is_killed() -> Result<()> {
    let lines = lines()?;
    let last = u64::try_from(lines.len())?;
    let mut stack = stack!(Plan::of(2, 3, 2));
    let mut listening = tokio::task::JoinSet::new();
    for replica in &stack.query {
        listening.spawn(follow(format!("127.0.0.1:{}", replica.port()), last));
    }
    listening.spawn(follow(stack.address(), last));
    let batches: Vec<&[(String, String)]> = lines.chunks(17).collect();
    let (mut ledger, step) = (Ledger::default(), batches.len() / 6 + 1);
    for (number, batch) in batches.iter().enumerate() {
        post(&stack, number * 17, batch).await?;
        match (number % step, number / step) {
            (0, 1) => stack.ingest[0].restart().await?,
            (0, 2) => stack.workers[1].restart().await?,
            (0, 3) => stack.nats.restart().await?,
            (0, 4) => stack.query[1].restart().await?,
            (0, 5) => stack.mongo.restart().await?,
            _ => {}
        }
    }
    while let Some(summary) = listening.join_next().await {
        let summary = summary?.with_context(|| stack.logs())?;
        ensure!(summary["covers"]["messages"] == last && summary["covers"]["first_seq"] == 1, "{summary}");
        ensure!(summary["summary"].as_str().is_some_and(|text| !text.is_empty()), "{summary}");
    }
    stack.ready().await?;
    let history = stack.client.history("meeting").await?;
    ensure!(history.len() == lines.len(), "{} of {} messages", history.len(), lines.len());
    for (message, (user, content)) in history.iter().zip(&lines) {
        ensure!(message["user_id"] == *user && message["content"] == *content, "{message}");
    }
    // Contents of a real conversation repeat, so the book is kept by message id.
    stack.client.say("marker", &[("u", "all is said")]).await?;
    ledger.acknowledged("marker", "all is said");
    stack.check(&ledger).await
}
