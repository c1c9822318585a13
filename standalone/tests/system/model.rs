//! The binary with a model behind a real endpoint.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use shared::domain::Usage;
use shared_testkit::client::Client;
use shared_testkit::model::{Fault, ModelServer};
use shared_testkit::process::Launch;
use shared_testkit::scenarios::{model, sets, summarize, users};
use shared_testkit::socket::{Frame, Socket};
use shared_testkit::{scenarios, transcript, wait};

use crate::users::admin;
use crate::{RECAP, Recap, check};

fn with_model(launch: Launch, mock: &ModelServer) -> Launch {
    let settings = model::settings(mock).into_iter();
    settings.fold(scenarios::settings(launch), |launch, (name, value)| launch.env(name, value))
}

async fn plan(client: &Client, conversation: &str, length: usize) -> Result<()> {
    let lines = transcript::planning(length);
    let messages: Vec<(&str, &str)> = lines.iter().map(|(user, text)| (user.as_str(), text.as_str())).collect();
    client.say(conversation, &messages).await?;
    Ok(())
}

async fn asked(client: &Client, conversation: &str) -> Result<Value> {
    client.post("/chats/summarize", &json!({ "conversation_id": conversation })).await?.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_an_address_are_enough_and_everything_says_who_wrote_it() -> Result<()> {
    let mock = ModelServer::start(false).await?;
    let recap = Recap::with(|launch| with_model(launch, &mock).env("LOG_LEVEL", "debug")).await?;
    ensure!(recap.server.log().contains("summaries by the engine openai:mock"), "{}", recap.server.log());
    plan(&recap.client, "a", 12).await?;
    let summary = asked(&recap.client, "a").await?;
    ensure!(summary["engine"] == "openai:mock" && summary["degraded"] == false, "{summary}");
    let versions = recap.client.get("/chats/a/summaries").await?.ok()?;
    let version = &versions["summaries"][0];
    ensure!(version["usage"]["tokens_in"].as_u64().is_some_and(|tokens| tokens > 0), "{version}");
    ensure!(version["prompt_version"] == "3", "{version}");
    let metrics = recap.client.get("/metrics").await?.text;
    ensure!(metrics.contains("recap_llm_tokens_total"), "{metrics}");
    let log = recap.server.log();
    for secret in [model::KEY, "payment tests", "obey and repeat"] {
        ensure!(!log.contains(secret), "{secret} in the log");
    }
    recap.server.stop().await?;
    check(recap.data.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scenarios_run_with_the_model_as_with_the_local_engine() -> Result<()> {
    let mock = ModelServer::start(false).await?;
    let recap = Recap::with(|launch| with_model(launch, &mock).env("SUMMARIZE_TIMEOUT", "55s")).await?;
    let (client, address) = (&recap.client, recap.server.address());
    tokio::try_join!(
        sets::summarizes(client),
        sets::queries(client),
        sets::pushes(client, address),
        summarize::covers_long_conversations(client),
    )?;
    sets::appends(client).await?;
    sets::changes(client, address).await?;
    sets::refuses_bad_input(client, address).await?;
    users::exported_and_erased(client, &admin(&recap).await?).await?;
    let summary = client.get("/chats/summarize-long/summary").await?.ok()?;
    ensure!(summary["engine"] == "openai:mock" && summary["degraded"] == false, "{summary}");
    recap.server.stop().await?;
    check(recap.data.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_see_the_text_grow_unless_they_refuse() -> Result<()> {
    let mock = ModelServer::start(false).await?;
    mock.pace(Duration::from_millis(60));
    let recap = Recap::with(|launch| with_model(launch, &mock).env("LLM_TIMEOUT", "20s")).await?;
    let address = recap.server.address();
    let mut eager = Socket::connect(address, "conversation_id=a").await?;
    let mut calm = Socket::connect(address, "conversation_id=a&partial=0").await?;
    plan(&recap.client, "a", 5).await?;
    let mut seen = Vec::new();
    loop {
        let Frame::Json(frame) = eager.next().await? else { continue };
        match frame["type"].as_str() {
            Some("partial") => seen.push(frame["text"].as_str().context("no text")?.to_owned()),
            Some("summary") => break,
            _ => {}
        }
    }
    ensure!(!seen.is_empty(), "no text before the summary");
    ensure!(seen.windows(2).all(|pair| pair[1].len() > pair[0].len()), "{seen:?}");
    loop {
        let Frame::Json(frame) = calm.next().await? else { continue };
        ensure!(frame["type"] != "partial", "{frame}");
        if frame["type"] == "summary" {
            break;
        }
    }
    recap.server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_is_said_and_made_up_for() -> Result<()> {
    let mock = ModelServer::start(false).await?;
    let recap = Recap::with(|launch| with_model(launch, &mock).env("LLM_TRIES", "1")).await?;
    mock.play([Fault::Status(500, vec![], String::new())]);
    plan(&recap.client, "a", 5).await?;
    let summary = asked(&recap.client, "a").await?;
    if summary["degraded"] == true {
        ensure!(summary["engine"] == "local" && summary["degraded_reason"] == "unavailable", "{summary}");
    }
    wait::until("the model's own", async || {
        let summary = recap.client.get("/chats/a/summary").await?.ok()?;
        Ok((summary["engine"] == "openai:mock" && summary["covers"]["messages"] == 5).then_some(()))
    })
    .await?;
    recap.server.stop().await?;
    check(recap.data.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_enough_for_old_summaries_to_be_made_anew_once_they_are_shown() -> Result<()> {
    let (mock, data) = (ModelServer::start(false).await?, tempfile::tempdir()?);
    let server = Launch::recap(RECAP, data.path()).start().await?;
    let client = Client::new(server.address())?;
    for conversation in ["shown", "not-shown"] {
        plan(&client, conversation, 5).await?;
        ensure!(asked(&client, conversation).await?["engine"] == "local");
    }
    server.stop().await?;
    // What every user sets, and nothing else.
    let launch = Launch::recap(RECAP, data.path()).env("OPENAI_API_KEY", model::KEY);
    let server = launch.env("OPENAI_BASE_URL", mock.base_url()).start().await?;
    let client = Client::new(server.address())?;
    let engine = async |conversation: &str| {
        let summary = client.get(&format!("/chats/{conversation}/summary")).await?.ok()?;
        anyhow::Ok(summary["engine"].as_str().map(str::to_owned))
    };
    ensure!(engine("shown").await?.as_deref() == Some("local"), "nobody waits for a better one");
    wait::until("the model's own", async || {
        let made = engine("shown").await?.is_some_and(|engine| engine.starts_with("openai:"));
        Ok(made.then_some(()))
    })
    .await?;
    ensure!(mock.answered() == 1, "only what is shown is paid for: {} calls", mock.answered());
    server.stop().await?;
    check(data.path()).await
}

/// Tokens of all that was billed, and what it costs by a price of one millionth for each token sent and two for each
/// written.
fn billed(mock: &ModelServer) -> (u64, u64) {
    let Usage { tokens_in, tokens_out } = mock.billed();
    (tokens_in + tokens_out, tokens_in + 2 * tokens_out)
}

/// Kills the server in the middle of whatever it pays for, again and again; then asks for all summaries.
async fn kills(cap: (&str, &str), is_held: impl Fn((u64, u64)) -> bool) -> Result<()> {
    const ROUNDS: usize = 4;
    let mock = ModelServer::start(false).await?;
    mock.pace(Duration::from_millis(2));
    let data = tempfile::tempdir()?;
    let launch = with_model(Launch::recap(RECAP, data.path()), &mock)
        .env(cap.0, cap.1)
        .env("LLM_PRICES", "mock=1/2")
        .env("SUMMARIZE_PARALLELISM", "8")
        .env("LLM_CONCURRENCY", "8");
    for round in 0..ROUNDS {
        let server = launch.start().await?;
        let client = Client::new(server.address())?;
        for n in 0..5 {
            plan(&client, &format!("c{round}-{n}"), 60).await?;
        }
        let before = mock.answered();
        // Once the cap is reached, it pays for nothing; what is left may be enough for some and not for others.
        wait::until("calls", async || {
            let mut capped = false;
            for n in 0..5 {
                let summary = client.get(&format!("/chats/c{round}-{n}/summary")).await?;
                capped |= summary.json().is_ok_and(|summary| summary["degraded_reason"] == "cap");
            }
            Ok((capped || mock.answered() > before + 2).then_some(()))
        })
        .await?;
        server.kill().await?;
        ensure!(is_held(billed(&mock)), "{:?} with {cap:?}", billed(&mock));
    }
    let server = launch.start().await?;
    let client = Client::new(server.address())?;
    let mut capped = 0;
    for round in 0..ROUNDS {
        for n in 0..5 {
            let summary = asked(&client, &format!("c{round}-{n}")).await?;
            ensure!(summary["covers"]["messages"] == 60, "{summary}");
            capped += usize::from(summary["degraded_reason"] == "cap");
        }
    }
    ensure!(is_held(billed(&mock)) && capped > 0, "{:?} with {cap:?}, {capped} without budget", billed(&mock));
    let said = client.get("/metrics").await?.text;
    ensure!(said.contains("recap_llm_cap_refusals_total") && server.log().contains("budget of the day"), "{said}");
    server.stop().await?;
    check(data.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_holds_through_kills() -> Result<()> {
    kills(("LLM_DAILY_TOKEN_CAP", "15000"), |(tokens, _)| tokens <= 15_000).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cap_in_money_holds_through_kills() -> Result<()> {
    kills(("LLM_DAILY_COST_CAP", "0.016"), |(_, micros)| micros <= 16_000).await
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_hold_are_refused_at_the_start() -> Result<()> {
    let data = tempfile::tempdir()?;
    for (name, value) in [
        ("OPENAI_BASE_URL", "localhost"),
        ("OPENAI_API_KEY", "two words"),
        ("LLM_TRIES", "0"),
        ("LLM_DAILY_TOKEN_CAP", "many"),
        ("LLM_PRICES", "gpt"),
    ] {
        let output = Launch::recap(RECAP, data.path()).env(name, value).output().await?;
        ensure!(output.status.code() == Some(2), "{name}={value}: {}", output.status);
        ensure!(!String::from_utf8_lossy(&output.stderr).contains("two words"), "a key is not shown");
    }
    Ok(())
}
