//! Clients that mean harm, through the gateway: two readers, who must agree on where each request ends. And what the
//! services write while they carry, or cannot reach, what is secret.

use anyhow::{Result, ensure};
use deploy::binaries::binary;
use deploy::stack::{Plan, Stack};
use shared_testkit::process::Launch;
use shared_testkit::scenarios::{every_route, frames, smuggling};
use shared_testkit::wait;

use crate::stack;

/// Stands in everything that must not be written.
const CANARY: &str = "qanary";

async fn no_service_failed(stack: &Stack) -> Result<()> {
    for replica in stack.ingest.iter().chain(&stack.query) {
        let internal = replica.metric("recap_http_errors_total", &["code=\"internal\""]).await?;
        ensure!(internal < 1.0, "{internal} internal errors");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_frames_pass_as_they_are_meant() -> Result<()> {
    let stack = stack!(Plan::default());
    let (client, address) = (&stack.client, stack.address());
    println!("{}", smuggling::nothing_is_smuggled(client, &address).await?);
    smuggling::honest_pipelines_are_answered(client, &address).await?;
    println!("{}", frames::odd_frames_are_understood(client, &address).await?);
    println!("{}", frames::broken_frames_end_their_connection(client, &address).await?);
    println!("{} close frames answered", frames::closes_are_answered(&address).await?);
    frames::compression_is_refused(client, &address).await?;
    no_service_failed(&stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_on_every_route() -> Result<()> {
    let stack = stack!(Plan::default());
    println!("{}", every_route::every_route_refuses_bad_input(&stack.client).await?);
    no_service_failed(&stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_tell_nothing_of_what_was_said() -> Result<()> {
    let plan = Plan { redis: true, ..Plan::default() }.with("LOG_LEVEL", "trace");
    let mut stack = stack!(plan);
    let text = format!("{CANARY} will send the report by Friday");
    for name in ["told-a", "told-b"] {
        stack.client.say(name, &[("anna", text.as_str()), ("ben", text.as_str())]).await?;
        stack.client.settled_summary(name).await?;
        ensure!(stack.client.history(name).await?.len() == 2);
    }
    let body = serde_json::json!({ "user_id": "u", "messages": [{ "content": text, "message_id": "m", "metadata": { CANARY: CANARY } }] });
    for _ in 0..2 {
        stack.client.post("/chats", &body).await?;
    }
    ensure!(stack.client.delete("/chats/told-b").await?.status == 204);
    for replica in stack.replicas() {
        let log = replica.log().to_lowercase();
        ensure!(log.lines().count() > 3, "{} wrote nothing: {log}", replica.service());
        let line = log.lines().find(|line| line.contains(CANARY));
        ensure!(line.is_none(), "{} tells: {line:?}", replica.service());
    }
    ensure!(!stack.gateway.log().to_lowercase().contains(CANARY), "{}", stack.gateway.log());
    Ok(())
}

/// A service whose database, bus and cache are away, and are named with passwords.
fn with_passwords(service: &str) -> Result<Launch> {
    let address = |scheme: &str| format!("{scheme}://u:{CANARY}@127.0.0.1:1");
    Ok(Launch::of(binary(service)?)
        .env("LISTEN_ADDR", "127.0.0.1:0")
        .env("ADMIN_ADDR", "127.0.0.1:0")
        .env("LOG_LEVEL", "trace")
        .env("LOG_FORMAT", "json")
        .env("STORE_URL", address("mongodb") + "/recap")
        .env("BUS_URL", address("nats"))
        .env("REDIS_URL", address("redis"))
        .env("OPENAI_API_KEY", CANARY)
        .env("OPENAI_BASE_URL", address("http")))
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_of_what_is_away_are_not_told() -> Result<()> {
    for service in ["ingest-api", "summarizer-worker", "query-api"] {
        for args in [&["--help"][..], &["--nonsense"], &["--listen-addr", "nowhere"]] {
            let launch = args.iter().fold(with_passwords(service)?, |launch, arg| launch.arg(*arg));
            let output = launch.output().await?;
            let text = String::from_utf8([output.stdout, output.stderr].concat())?.to_lowercase();
            ensure!(!text.contains(CANARY), "{service} {args:?}: {text}");
        }
        let server = with_passwords(service)?.start_when("health on http://").await?;
        let operators = shared_testkit::client::Client::new(server.address())?;
        // It has tried, and says so.
        wait::until("a failed attempt", async || {
            let ready = operators.get("/readyz").await?;
            ensure!(!ready.text.to_lowercase().contains(CANARY), "{}", ready.text);
            Ok((server.log().contains("WARN") || server.log().contains("ERROR")).then_some(()))
        })
        .await?;
        let metrics = operators.get("/metrics").await?.text;
        let log = server.log_when_stopped().await?;
        for text in [metrics, log] {
            let lower = text.to_lowercase();
            let line = lower.lines().find(|line| line.contains(CANARY));
            ensure!(line.is_none(), "{service} tells: {line:?}");
        }
    }
    Ok(())
}
