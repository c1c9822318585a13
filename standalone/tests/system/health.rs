//! Health, metrics, limits and the things around each answer.

use anyhow::{Result, ensure};
use reqwest::Method;
use shared_testkit::{scenarios, wait};

use crate::Recap;

#[tokio::test(flavor = "multi_thread")]
async fn says_that_it_is_alive_and_ready() -> Result<()> {
    let recap = Recap::start().await?;
    ensure!(recap.client.get("/healthz").await?.status == 200);
    let ready = recap.client.get("/readyz").await?;
    ensure!(ready.status == 200, "{ready:?}");
    for dependency in ["log", "views", "bus"] {
        ensure!(ready.text.contains(dependency), "{ready:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_what_the_reference_names() -> Result<()> {
    let recap = Recap::start().await?;
    recap.client.say("metrics", &[("u", "Can you count this, please?")]).await?;
    recap.client.settled_summary("metrics").await?;
    recap.client.get("/nowhere").await?;
    let names = [
        "recap_http_requests_total",
        "recap_http_request_duration_seconds",
        "recap_http_errors_total",
        "recap_store_query_duration_seconds",
        "recap_append_messages_total",
        "recap_append_batch_size",
        "recap_publish_pending",
        "recap_project_lag_seconds",
        "recap_summarize_duration_seconds",
        "recap_summary_uncovered_messages",
        "recap_push_sockets",
    ];
    // A run is counted when it has ended, which is a moment after its summary is seen.
    let metrics = wait::until("every metric", || async {
        let metrics = recap.client.get("/metrics").await?;
        let shown = |name: &&str| metrics.text.lines().any(|line| line.starts_with(*name));
        Ok(names.iter().all(shown).then_some(metrics))
    })
    .await?;
    ensure!(!metrics.text.contains("count this"), "text in the metrics");
    ensure!(metrics.text.contains("route=\"/chats/{conversation_id}/summary\""), "{}", metrics.text);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_the_documented_limits() -> Result<()> {
    let recap = Recap::with(|launch| scenarios::settings(launch).env("RATE_LIMIT_ANONYMOUS", "10")).await?;
    for request in 1..=10 {
        let answer = recap.client.get("/chats").await?;
        ensure!(answer.status == 200, "request {request}: {answer:?}");
        ensure!(answer.header("ratelimit").contains(&format!("r={}", 10 - request)), "{answer:?}");
        ensure!(answer.header("ratelimit-policy").contains("q=10;w=60"), "{answer:?}");
    }
    let refused = recap.client.get("/chats").await?;
    ensure!(refused.status == 429 && refused.code()? == "rate_limited", "{refused:?}");
    let wait: u64 = refused.header("retry-after").parse()?;
    ensure!((1..=60).contains(&wait), "{refused:?}");
    for free in ["/metrics", "/healthz", "/readyz", "/"] {
        let answer = recap.client.get(free).await?;
        ensure!(answer.status == 200, "{free} counts: {answer:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_a_request_id() -> Result<()> {
    let recap = Recap::start().await?;
    let echoed = recap.client.request(Method::GET, "/chats").header("x-request-id", "my-id.1");
    ensure!(recap.client.send(echoed).await?.header("x-request-id") == "my-id.1");
    let odd = recap.client.request(Method::GET, "/chats").header("x-request-id", "<script>");
    let given = recap.client.send(odd).await?;
    ensure!(!given.header("x-request-id").is_empty() && given.header("x-request-id") != "<script>");
    let lost = recap.client.get("/nowhere").await?;
    ensure!(!lost.header("x-request-id").is_empty());
    Ok(())
}
