//! The main job on real input: transcripts posted in batches while a socket listens.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use shared_testkit::client::Client;
use shared_testkit::socket::Socket;
use shared_testkit::transcript;

use crate::{Recap, check, repository};

/// Posts in batches, listens meanwhile, and reads everything back.
async fn follow(recap: &Recap, conversation: &str, lines: &[(String, String)]) -> Result<()> {
    let client: &Client = &recap.client;
    let query = format!("conversation_id={conversation}&summary_type=detailed");
    let mut socket = Socket::connect(recap.server.address(), &query).await?;
    let last = u64::try_from(lines.len())?;
    let listening = tokio::spawn(async move { socket.until_covered(last).await });
    for batch in lines.chunks(17) {
        let batch: Vec<(&str, &str)> = batch.iter().map(|(user, text)| (user.as_str(), text.as_str())).collect();
        client.say(conversation, &batch).await?;
    }
    let summary = listening.await??;
    ensure!(summary["covers"]["messages"] == last && summary["covers"]["first_seq"] == 1, "{summary}");
    ensure!(summary["summary"].as_str().is_some_and(|text| !text.is_empty()), "{summary}");
    let history = client.history(conversation).await?;
    ensure!(history.len() == lines.len());
    for (message, (user, content)) in history.iter().zip(lines) {
        ensure!(message["user_id"] == *user && message["content"] == *content, "{message}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synthetic_transcript_is_summarized_while_it_arrives() -> Result<()> {
    let recap = Recap::start().await?;
    follow(&recap, "planning", &transcript::planning(250)).await?;
    recap.server.stop().await?;
    check(recap.data.path()).await
}

/// Real conversations are no part of the repository: `EVAL_DIR` names a folder of them.
#[tokio::test(flavor = "multi_thread")]
async fn real_transcripts_are_summarized_while_they_arrive() -> Result<()> {
    let folder = std::env::var_os("EVAL_DIR").map_or_else(|| repository().join("../shared/eval"), PathBuf::from);
    if !folder.join("ami.jsonl").exists() {
        eprintln!("SKIPPED: no transcripts in {}", folder.display());
        return Ok(());
    }
    let recap = Recap::start().await?;
    for (file, line) in [("ami.jsonl", 0), ("ami.jsonl", 7), ("dialogsum.jsonl", 3)] {
        let lines = transcript::from_file(&folder.join(file), line)?;
        follow(&recap, &format!("{file}-{line}"), &lines).await.with_context(|| format!("{file}, line {line}"))?;
    }
    recap.server.stop().await?;
    check(recap.data.path()).await
}
