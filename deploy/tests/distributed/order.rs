//! Started in any order: each service waits for what it needs, says so, is not ready until then, and never exits.

use anyhow::{Result, ensure};
use deploy::stack::{Plan, Stack};
use shared_testkit::process::MongoServer;
use shared_testkit::wait;

#[tokio::test(flavor = "multi_thread")]
async fn services_wait_for_a_database_and_a_bus_that_come_late() -> Result<()> {
    let Some(mut mongo) = MongoServer::start().await? else { return Ok(()) };
    mongo.kill().await?;
    let store = mongo.url("recap");
    let Some(mut stack) = Stack::over(&Plan::default(), mongo, store).await? else { return Ok(()) };
    stack.nats.kill().await?;
    for replica in stack.replicas() {
        let (alive, ready) = (replica.operators()?.get("/healthz").await?, replica.is_ready().await?);
        ensure!(alive.status == 200 && !ready, "{} says that it is ready", replica.service());
    }
    let refused = stack.client.get("/chats").await?;
    ensure!(refused.status == 503 && refused.code()? == "unavailable", "{refused:?}");
    for replica in stack.replicas() {
        let said = || async { Ok(replica.log().contains("waiting").then_some(())) };
        wait::until("a line that says what is waited for", said).await?;
    }
    stack.mongo.restart().await?;
    for replica in stack.replicas() {
        let said = || async { Ok(replica.operators()?.get("/readyz").await?.text.contains("bus").then_some(())) };
        wait::until("the bus alone to be missing", said).await?;
        ensure!(!replica.is_ready().await?, "{} is ready without ever having seen the bus", replica.service());
    }
    // What needs no bus is served.
    stack.client.say("early", &[("u", "before the bus came")]).await?;
    stack.nats.restart().await?;
    stack.ready().await?;
    let mut ledger = shared_testkit::ledger::Ledger::default();
    ledger.acknowledged("early", "before the bus came");
    stack.check(&ledger).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_waits_stops_when_told() -> Result<()> {
    let Some(mut mongo) = MongoServer::start().await? else { return Ok(()) };
    mongo.kill().await?;
    let store = mongo.url("recap");
    let Some(mut stack) = Stack::over(&Plan::default(), mongo, store).await? else { return Ok(()) };
    for replica in stack.replicas() {
        let status = replica.stop().await?;
        ensure!(status.code() == Some(0), "{} ended with {status}", replica.service());
    }
    Ok(())
}
