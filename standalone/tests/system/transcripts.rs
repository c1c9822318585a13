//! The main job on real input: transcripts posted in batches while a socket listens.

use anyhow::{Context as _, Result, ensure};
use shared_testkit::client::Client;
use shared_testkit::model::ModelServer;
use shared_testkit::scenarios::model;
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

#[tokio::test(flavor = "multi_thread")]
async fn real_transcripts_are_summarized_while_they_arrive() -> Result<()> {
    let Some(folder) = transcript::evaluation(&repository()) else { return Ok(()) };
    let recap = Recap::start().await?;
    for (file, line) in [("ami.jsonl", 0), ("ami.jsonl", 7), ("dialogsum.jsonl", 3)] {
        let lines = transcript::from_file(&folder.join(file), line)?;
        follow(&recap, &format!("{file}-{line}"), &lines).await.with_context(|| format!("{file}, line {line}"))?;
    }
    recap.server.stop().await?;
    check(recap.data.path()).await
}

/// What this prints is among the table in `docs/summaries.md`; the same for a chat that grows by 20 takes longest.
#[tokio::test(flavor = "multi_thread")]
async fn long_real_transcripts_cost_a_model_little_more_than_their_text() -> Result<()> {
    let Some(folder) = transcript::evaluation(&repository()) else { return Ok(()) };
    let mock = ModelServer::start(false).await?;
    let settings = [model::settings(&mock), model::only_asked_for()].concat();
    let recap =
        Recap::with(|launch| settings.into_iter().fold(launch, |launch, (name, value)| launch.env(name, value)));
    let recap = recap.await?;
    for (line, most) in [(7, 250), (18, 160)] {
        let lines = transcript::from_file(&folder.join("ami.jsonl"), line)?;
        let ways = [("at once", lines.len(), 160), ("by 200", 200, 160), ("by 20", 20, 250)];
        for (how, step, bound) in ways.into_iter().filter(|(_, _, bound)| *bound <= most) {
            let name = format!("ami-{line}-{step}");
            let cost = model::summarizes_a_transcript(&recap.client, &mock, &name, &lines, step).await?;
            println!("| one process | {how} {cost}");
            ensure!(cost.percent() <= bound, "{how}: {cost}");
        }
    }
    recap.server.stop().await?;
    check(recap.data.path()).await
}
