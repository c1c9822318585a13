//! `/openapi.json` and `/asyncapi.json` against the running server: what it takes and gives is what they say.
//!
//! The schemas are closed, so a field that is not described fails as a wrong one does.

mod bodies;
mod calls;
mod documents;
mod frames;
mod routes;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::json;
use shared_testkit::client::Client;
use shared_testkit::process::Launch;
use shared_testkit::scenarios;

use crate::{RECAP, Recap};
use calls::{Call, Caller};
use documents::Documents;

/// A server with little room, and keys of its own: where refusals are near.
struct Strict {
    recap: Recap,
    writer: Client,
    reader: Client,
}

impl Strict {
    async fn start() -> Result<Self> {
        let recap = Recap::with(|launch| {
            launch
                .env("LOG_LEVEL", "warn")
                .env("MAX_BODY_BYTES", "400")
                .env("MAX_SOCKETS", "0")
                .env("MAX_MESSAGES_PER_CONVERSATION", "1")
                .env("SUMMARY_IDLE", "1h")
                .env("RATE_LIMIT_ANONYMOUS", "1")
        })
        .await?;
        let (writer, reader) = (key(&recap, "write,read").await?, key(&recap, "read").await?);
        Ok(Self { writer: recap.client.with_key(&writer), reader: recap.client.with_key(&reader), recap })
    }
}

async fn key(recap: &Recap, scopes: &str) -> Result<String> {
    key_of(recap, "described", scopes).await
}

async fn key_of(recap: &Recap, tenant: &str, scopes: &str) -> Result<String> {
    let mut launch = Launch::recap(RECAP, recap.data.path());
    for arg in ["keys", "create", "--tenant", tenant, "--scopes", scopes] {
        launch = launch.arg(arg);
    }
    let output = launch.output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_as_described() -> Result<()> {
    let recap = Recap::start().await?;
    let documents = Documents::read(&recap.client).await?;
    let mut caller = Caller::new(&documents, &recap.client);
    let admin = recap.client.with_key(&key_of(&recap, "public", "admin").await?);
    let mut admin = Caller::new(&documents, &admin);
    calls::succeed(&mut caller).await?;
    calls::succeed_as_admin(&mut caller, &mut admin).await?;
    calls::fail(&mut caller).await?;
    calls::fail_as_admin(&mut admin).await?;
    let succeeded: BTreeSet<_> = caller.succeeded().union(admin.succeeded()).cloned().collect();
    for operation in documents.operations() {
        ensure!(succeeded.contains(operation.id()), "{} was never seen to succeed", operation.id());
    }
    let mut seen = caller.codes().clone();

    let strict = Strict::start().await?;
    let documents = Documents::read(&strict.recap.client).await?;
    seen.extend(refused(&documents, &strict).await?);
    // Those that need a broken or drowning server are held by tests of the service.
    let elsewhere = ["internal", "timeout", "unavailable", "method_not_allowed"];
    let missing: BTreeSet<String> = documents.codes()?.difference(&seen).cloned().collect();
    ensure!(missing == elsewhere.map(str::to_owned).into(), "never seen: {missing:?}");
    recap.server.stop().await?;
    strict.recap.server.stop().await?;
    Ok(())
}

/// Answers of a server with little room.
async fn refused(documents: &Documents, strict: &Strict) -> Result<BTreeSet<String>> {
    let mut writer = Caller::new(documents, &strict.writer);
    let message = json!({ "conversation_id": "c", "user_id": "u", "messages": [{ "content": "said" }] });
    writer.check(Call::post("/chats", message.clone())).await?;
    writer.check(Call::post("/chats", message.clone()).refused("quota_exceeded")).await?;
    writer.check(Call::get("/chats/{conversation_id}/summary").id("c").refused("summary_not_found")).await?;
    let long = json!({ "conversation_id": "c", "user_id": "u", "messages": [{ "content": "x".repeat(400) }] });
    writer.check(Call::post("/chats", long).refused("payload_too_large")).await?;
    writer.check(Call::upgrade("conversation_id=c").refused("overloaded")).await?;

    let mut reader = Caller::new(documents, &strict.reader);
    reader.check(Call::post("/chats", message).refused("forbidden")).await?;
    let unknown = strict.recap.client.with_key("rk_unknown");
    let mut unknown = Caller::new(documents, &unknown);
    unknown.check(Call::get("/chats").refused("unauthenticated")).await?;
    let mut anonymous = Caller::new(documents, &strict.recap.client);
    anonymous.check(Call::get("/chats")).await?;
    anonymous.check(Call::get("/chats").refused("rate_limited")).await?;
    let callers = [writer, reader, unknown, anonymous];
    Ok(callers.iter().flat_map(|caller| caller.codes().iter().cloned()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_parameters_are_taken_as_described() -> Result<()> {
    let recap = Recap::start().await?;
    let documents = Documents::read(&recap.client).await?;
    bodies::are_told_apart(&documents, &recap.client).await?;
    bodies::parameters_are_told_apart(&documents, &recap.client).await?;
    bodies::examples_are_valid(&documents)?;
    recap.server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_described_with_its_methods() -> Result<()> {
    let recap = Recap::start().await?;
    let documents = Documents::read(&recap.client).await?;
    routes::are_those_of_the_source(&documents)?;
    routes::take_described_methods_only(&documents, &recap.client).await?;
    recap.server.stop().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_is_described() -> Result<()> {
    let recap = Recap::with(scenarios::settings).await?;
    let documents = Documents::read(&recap.client).await?;
    let seen = Box::pin(frames::are_described(&documents, &recap)).await?;
    // No engine of this server writes piece by piece.
    let described: BTreeSet<String> = documents.frames()?.into_iter().filter(|kind| kind != "partial").collect();
    ensure!(seen == described, "seen {seen:?} of {described:?}");
    recap.server.stop().await?;
    Ok(())
}
