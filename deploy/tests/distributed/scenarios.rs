//! The scenarios of the testkit, through the gateway and one replica of each service.

use anyhow::{Result, ensure};
use deploy::stack::{Plan, Stack};
use shared_testkit::scenarios::{sets, summarize};

use crate::stack;

async fn sound(mut stack: Stack) -> Result<()> {
    for replica in stack.replicas() {
        replica.stop().await?;
    }
    stack.recap(&["check"]).await.map(drop)
}

/// A database that scans ranges takes its time over thousands of messages.
fn patient() -> Plan {
    Plan::default().with("SUMMARIZE_TIMEOUT", "55s")
}

#[tokio::test(flavor = "multi_thread")]
async fn appends() -> Result<()> {
    let stack = stack!(Plan::default());
    sets::appends(&stack.client).await?;
    sound(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn changes() -> Result<()> {
    let stack = stack!(patient());
    sets::changes(&stack.client, &stack.address()).await?;
    sound(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn queries() -> Result<()> {
    let stack = stack!(Plan::default());
    sets::some_queries(&stack.client).await?;
    sound(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn summarizes() -> Result<()> {
    let stack = stack!(patient());
    sets::summarizes(&stack.client).await?;
    sound(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn summarizes_long_conversations() -> Result<()> {
    let stack = stack!(patient());
    summarize::covers_long_conversations(&stack.client).await?;
    sound(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes() -> Result<()> {
    let stack = stack!(Plan::default());
    sets::pushes(&stack.client, &stack.address()).await?;
    sound(stack).await
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_bad_input() -> Result<()> {
    let stack = stack!(Plan::default());
    sets::refuses_bad_input(&stack.client, &stack.address()).await?;
    for replica in stack.ingest.iter().chain(&stack.query) {
        let internal = replica.metric("recap_http_errors_total", &["code=\"internal\""]).await?;
        ensure!(internal < 1.0, "{internal} internal errors");
    }
    sound(stack).await
}
