//! A database that is slow, refuses, does not confirm, or lost an index, by a proxy between it and the services.

use std::time::Duration;

use anyhow::{Result, ensure};
use bson::{Document, doc};
use deploy::load::Load;
use deploy::stack::{Plan, Stack};
use serde_json::json;
use shared_testkit::mongo_proxy::{Fault, MongoProxy};
use shared_testkit::process::MongoServer;
use shared_testkit::wait;

/// Faults of one kind on each of the collections.
const TIMES: usize = 6;
/// What every hop does to the database under load.
const COMMANDS: [(&str, &str); 6] = [
    ("insert", "messages"),
    ("insert", "commits"),
    ("find", "messages"),
    ("find", "commits"),
    ("update", "views"),
    ("find", "views"),
];

/// Two of each service whose database lies behind a proxy; `None` where a server is not installed.
async fn behind(plan: Plan) -> Result<Option<(MongoProxy, Stack)>> {
    let Some(mongo) = MongoServer::start().await? else { return Ok(None) };
    let proxy = MongoProxy::start(mongo.port()).await?;
    let store = MongoServer::url_at(proxy.port(), "recap");
    let Some(stack) = Stack::over(&plan, mongo, store).await? else { return Ok(None) };
    stack.ready().await?;
    Ok(Some((proxy, stack)))
}

/// Lets all of these happen to services under load, and ends in the checker.
async fn survives(faults: &[Fault]) -> Result<()> {
    let Some((proxy, stack)) = behind(Plan::of(2, 2, 1)).await? else { return Ok(()) };
    let load = Load::start(std::slice::from_ref(&stack.client), "database", 4, 6);
    load.more(20).await?;
    for fault in faults {
        for (command, collection) in COMMANDS {
            proxy.tell_all(TIMES, command, collection, fault);
        }
        load.more(20).await?;
    }
    wait::until("all faults to happen", || async { Ok(proxy.is_done().then_some(())) }).await?;
    load.more(20).await?;
    let ledger = load.finish().await?;
    stack.check(&ledger).await
}

fn refusal(code: i32, name: &str) -> Fault {
    Fault::Instead(doc! { "ok": 0.0, "code": code, "codeName": name, "errmsg": "refused by the test" })
}

fn unconfirmed(code: i32, name: &str) -> Document {
    doc! { "writeConcernError": { "code": code, "codeName": name, "errmsg": "not confirmed, says the test" } }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_answers_slowly_loses_nothing() -> Result<()> {
    survives(&[Fault::Delay(Duration::from_millis(200)), Fault::Delay(Duration::from_millis(1500))]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_loses_nothing() -> Result<()> {
    survives(&[
        refusal(10107, "NotWritablePrimary"),
        refusal(13, "Unauthorized"),
        refusal(11600, "InterruptedAtShutdown"),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_majority_does_not_confirm_loses_nothing() -> Result<()> {
    survives(&[
        Fault::Reply(unconfirmed(64, "WriteConcernFailed")),
        Fault::Reply(unconfirmed(91, "ShutdownInProgress")),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_connections_break_loses_nothing() -> Result<()> {
    survives(&[Fault::CutBefore, Fault::CutAfter]).await
}

/// Longer than anybody waits: the post is answered "unknown", its repeat stores it once, and the write itself comes when
/// all have given up on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_hangs_is_unknown_in_time_and_stands_once() -> Result<()> {
    let plan = Plan::default().with("APPEND_TIMEOUT", "1s").with("APPEND_LANES", "1");
    let Some((proxy, stack)) = behind(plan).await? else { return Ok(()) };
    stack.client.say("hangs", &[("u", "before")]).await?;
    proxy.tell("insert", "messages", Fault::Hold);
    let body =
        json!({"conversation_id": "hangs", "user_id": "u", "messages": [{"content": "held", "message_id": "m"}]});
    let unknown = stack.client.post("/chats", &body).await?;
    ensure!(unknown.status == 503 && unknown.code()? == "unavailable", "{unknown:?}");
    // The lane is free again when its call has reached its own limit.
    wait::until("the repeat to be taken", || async {
        let answer = stack.client.post("/chats", &body).await?;
        ensure!(matches!(answer.status.as_u16(), 200 | 503), "{answer:?}");
        Ok((answer.status == 200).then_some(()))
    })
    .await?;
    proxy.release();
    let mut ledger = shared_testkit::ledger::Ledger::default();
    stack.client.say("hangs", &[("u", "after")]).await?;
    for content in ["before", "held", "after"] {
        ledger.acknowledged("hangs", content);
    }
    stack.check(&ledger).await
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_names_an_index_that_is_missing() -> Result<()> {
    let Some((proxy, stack)) = behind(Plan::default()).await? else { return Ok(()) };
    let only_id = doc! { "v": 2, "key": { "_id": 1 }, "name": "_id_" };
    let reply = doc! { "cursor": { "id": 0_i64, "ns": "recap.messages", "firstBatch": [only_id] }, "ok": 1.0 };
    // As many as make sure that each of three services sees it once.
    for replica in [&stack.ingest[0], &stack.workers[0], &stack.query[0]] {
        let operators = replica.operators()?;
        proxy.tell("listIndexes", "messages", Fault::Instead(reply.clone()));
        let told = || async {
            let answer = operators.get("/readyz").await?;
            Ok(answer.text.contains("messages.mid").then_some(answer))
        };
        let answer = wait::until("a missing index to be named", told).await?;
        ensure!(answer.status == 503 && answer.text.contains("recap migrate"), "{answer:?}");
        ensure!(proxy.is_done());
        stack.ready().await?;
    }
    Ok(())
}
