//! A model behind several workers: the scenarios, one run for one need, a worker that dies while it pays, and real
//! transcripts.

use std::time::Duration;

use anyhow::{Result, ensure};
use deploy::repository;
use deploy::stack::{Plan, Stack};
use serde_json::json;
use shared_testkit::model::ModelServer;
use shared_testkit::scenarios::{model, sets, summarize, users};
use shared_testkit::transcript::{self, Lines};
use shared_testkit::wait;

use crate::stack;
use crate::users::admin;

/// Two workers that know the model; the others know nothing of it.
fn plan(model: &ModelServer, patience: &str, settings: Vec<(&'static str, String)>) -> Plan {
    let all = [model::settings(model), settings].concat();
    let plan = Plan::of(1, 2, 1).with("SUMMARIZE_TIMEOUT", patience);
    all.into_iter().fold(plan, |plan, (name, value)| plan.with(name, value))
}

async fn say(stack: &Stack, conversation: &str, lines: &Lines) -> Result<()> {
    for batch in lines.chunks(100) {
        let batch: Vec<(&str, &str)> = batch.iter().map(|(user, text)| (user.as_str(), text.as_str())).collect();
        stack.client.say(conversation, &batch).await?;
    }
    Ok(())
}

/// Lines that no other conversation has.
fn own(mark: &str, length: usize) -> Vec<(String, String)> {
    let lines = transcript::planning(length);
    lines.into_iter().map(|(user, text)| (user, format!("{text} {mark}"))).collect()
}

/// Questions about a conversation.
fn about(model: &ModelServer, mark: &str) -> usize {
    model.calls().iter().filter(|question| question.text.contains(mark)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scenarios_run_with_the_model_as_with_the_local_engine() -> Result<()> {
    let mock = ModelServer::start(false).await?;
    let mut stack = stack!(plan(&mock, "55s", Vec::new()));
    let (client, address) = (&stack.client, stack.address());
    // While there is little: erasing walks every record, and the substitute scans where a database would look up. So
    // the many pages have a database of their own, below.
    users::exported_and_erased(client, &admin(&stack).await?).await?;
    sets::changes(client, &address).await?;
    tokio::try_join!(sets::summarizes(client), sets::pushes(client, &address))?;
    sets::appends(client).await?;
    summarize::covers_long_conversations(client).await?;
    let summary = client.get("/chats/summarize-long/summary").await?.ok()?;
    ensure!(summary["engine"] == "openai:mock" && summary["degraded"] == false, "{summary}");
    for replica in stack.replicas() {
        replica.stop().await?;
    }
    stack.recap(&["check"]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_lists_are_with_the_model_as_with_the_local_engine() -> Result<()> {
    let mock = ModelServer::start(false).await?;
    let stack = stack!(plan(&mock, "55s", Vec::new()));
    sets::some_queries(&stack.client).await?;
    stack.recap(&["check"]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_need_is_one_run_for_all_workers_and_a_killed_one_pays_again_for_one_call_at_most() -> Result<()> {
    let mock = ModelServer::start(false).await?;
    let mut stack = stack!(plan(&mock, "20s", model::only_asked_for()));
    // A segment's notes and a summary, however many ask whichever worker.
    say(&stack, "shared", &own("zebra", 100)).await?;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let client = stack.client.clone();
        asking.spawn(async move { client.post("/chats/summarize", &json!({"conversation_id": "shared"})).await?.ok() });
    }
    while let Some(summary) = asking.join_next().await {
        ensure!(summary??["covers"]["messages"] == 100);
    }
    ensure!(about(&mock, "zebra") == 2, "{} calls for one need", about(&mock, "zebra"));
    // 550 messages: seven segments' notes and a summary. All workers are killed in the middle of a call.
    say(&stack, "killed", &own("giraffe", 550)).await?;
    mock.pace(Duration::from_millis(30));
    let client = stack.client.clone();
    let ask = json!({"conversation_id": "killed"});
    let first = tokio::spawn({
        let ask = ask.clone();
        async move { client.post("/chats/summarize", &ask).await }
    });
    wait::until("some calls", || async { Ok((about(&mock, "giraffe") >= 4).then_some(())) }).await?;
    for worker in &mut stack.workers {
        worker.restart().await?;
    }
    mock.pace(Duration::ZERO);
    first.abort();
    stack.ready().await?;
    let summary = wait::until("the summary", || async {
        let answer = stack.client.post("/chats/summarize", &ask).await?;
        Ok((answer.status == 200).then(|| answer.json()))
    });
    ensure!(summary.await??["covers"]["messages"] == 550);
    let calls = about(&mock, "giraffe");
    ensure!((8..=9).contains(&calls), "{calls} calls where 8 are needed");
    for replica in stack.replicas() {
        replica.stop().await?;
    }
    stack.recap(&["check"]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn long_real_transcripts_cost_a_model_little_more_than_their_text() -> Result<()> {
    let Some(folder) = transcript::evaluation(&repository()) else { return Ok(()) };
    let mock = ModelServer::start(false).await?;
    let mut stack = stack!(plan(&mock, "55s", model::only_asked_for()));
    for (line, how, step) in [(7, "by 20", 20), (18, "at once", usize::MAX)] {
        let lines = transcript::from_file(&folder.join("ami.jsonl"), line)?;
        let name = format!("ami-{line}");
        let cost = model::summarizes_a_transcript(&stack.client, &mock, &name, &lines, step).await?;
        println!("| distributed | {how} {cost}");
        ensure!(cost.percent() <= if step == 20 { 250 } else { 160 }, "{how}: {cost}");
    }
    for replica in stack.replicas() {
        replica.stop().await?;
    }
    stack.recap(&["check"]).await.map(drop)
}
