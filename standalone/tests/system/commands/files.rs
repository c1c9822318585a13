//! Summaries of files, without a server.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use shared_testkit::model::{Fault, ModelServer};
use shared_testkit::scenarios::model;
use shared_testkit::transcript;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{Ran, file, run};
use crate::{RECAP, Recap};

const NOTES: &str = "\
Anna: Good morning! Can the release move to Friday?
Ben: Yes, if the payment tests are green by Thursday.
Carla: I will fix the payment tests by tomorrow.
Anna: Great, then we ship on Friday. Who writes the release notes?
";

#[tokio::test]
async fn a_file_is_summarized_here_and_now() -> Result<()> {
    let files = tempfile::tempdir()?;
    let notes = file(&files, "notes.txt", NOTES)?;
    let shown = run(&["summarize", &notes, "--explain"]).await?.exits(0)?;
    for part in [
        "4 messages by 3 people",
        "Brief",
        "Action items",
        "payment tests",
        "[3] notes.txt:3  Carla: I will fix",
        "Engine: local",
        "Rules: version ",
        "Trigger: demand",
        "Tokens: 0 sent, 0 written",
        "Time: ",
        "Dropped: nothing",
    ] {
        ensure!(shown.out.contains(part), "no {part:?} in\n{}", shown.out);
    }
    ensure!(!shown.out.contains('\x1b'), "colours without a terminal");
    let json = run(&["summarize", &notes, "--json"]).await?.exits(0)?.json()?;
    ensure!(json["covers"]["messages"] == 4 && json["engine"] == "local", "{json}");
    ensure!(json["insights"]["participants"][0]["user_id"] == "Anna", "{json}");
    ensure!(json["brief"].as_str().is_some_and(|text| !text.is_empty()), "{json}");
    let wrong = run(&["summarize", &notes, "--conversation", "other"]).await?.exits(1)?;
    ensure!(wrong.err.contains("no messages"), "{}", wrong.err);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_model_writes_it_if_asked_and_what_it_took_is_told() -> Result<()> {
    let (mock, files) = (ModelServer::start(false).await?, tempfile::tempdir()?);
    let notes = file(&files, "notes.txt", NOTES.repeat(30))?;
    let ask = async |engine: &str, format: &str| {
        let mut command = Command::new(RECAP);
        command.args(["summarize", &notes, "--engine", engine, format]).env_clear().envs(model::settings(&mock));
        Ran::of(&command.kill_on_drop(true).output().await?).exits(0)
    };
    // A name that nobody said: what is dropped is told.
    mock.play([Fault::Text(|text| text.replacen("says", "and Zanzibar say", 1)), Fault::Text(|text| text)]);
    let shown = ask("model", "--explain").await?;
    for part in [
        "120 messages by 3 people",
        "Engine: openai:mock",
        "Prompts: version 3",
        "Trigger: demand",
        "Time: ",
        "1 sentence (unfounded)",
        "Coverage: messages 1 to 120, all of them",
    ] {
        ensure!(shown.out.contains(part), "no {part:?} in\n{}", shown.out);
    }
    ensure!(!shown.out.contains("Tokens: 0"), "{}", shown.out);
    let calls = mock.calls().len();
    ensure!(ask("local", "--json").await?.json()?["engine"] == "local");
    ensure!(mock.calls().len() == calls, "nothing leaves the machine unasked");
    ensure!(ask("model", "--json").await?.json()?["engine"] == "openai:mock");
    let nobody = run(&["summarize", &notes, "--engine", "model"]).await?.exits(1)?;
    ensure!(nobody.err.contains("OPENAI_API_KEY"), "{}", nobody.err);
    Ok(())
}

#[tokio::test]
async fn standard_input_and_hostile_text() -> Result<()> {
    let mut command = Command::new(RECAP);
    command.args(["summarize", "-"]).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    stdin.write_all("Mal\x1b[2Jlory: I will send \x1b]0;owned\x07 the report to Ben tomorrow.\n".as_bytes()).await?;
    drop(stdin);
    let ran = Ran::of(&child.wait_with_output().await?).exits(0)?;
    ensure!(!ran.out.contains(['\x1b', '\x07']), "{:?}", ran.out);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_says_the_same_of_the_same_messages() -> Result<()> {
    let (recap, files) = (Recap::start().await?, tempfile::tempdir()?);
    let line = |(at, (user, text)): (usize, (String, String))| {
        let time = shared_time(at);
        serde_json::json!({"conversation_id": "c", "user_id": user, "content": text, "timestamp": time}).to_string()
            + "\n"
    };
    let lines: String = transcript::planning(130).into_iter().enumerate().map(line).collect();
    let chat = file(&files, "c.jsonl", lines)?;
    let here = run(&["summarize", "--json", &chat]).await?.exits(0)?.json()?;
    recap.run(&["import", &chat]).await?.exits(0)?;
    let body = serde_json::json!({"conversation_id": "c", "summary_type": "detailed"});
    let there = recap.client.post("/chats/summarize", &body).await?.ok()?;
    ensure!(here["detailed"] == there["summary"], "{here}\n{there}");
    ensure!(here["insights"]["action_item_details"] == there["insights"]["action_item_details"]);
    Ok(())
}

fn shared_time(at: usize) -> String {
    format!("2024-01-31T{:02}:{:02}:00Z", 8 + at / 60, at % 60)
}
