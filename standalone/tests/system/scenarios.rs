//! The scenarios of the testkit, each set against one server at the same time.

use anyhow::{Result, ensure};
use shared_testkit::scenarios::{sets, summarize};

use crate::{Recap, check};

async fn sound(recap: Recap) -> Result<()> {
    recap.server.stop().await?;
    check(recap.data.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn appends() -> Result<()> {
    let recap = Recap::start().await?;
    sets::appends(&recap.client).await?;
    sound(recap).await
}

#[tokio::test(flavor = "multi_thread")]
async fn changes() -> Result<()> {
    let recap = Recap::start().await?;
    sets::changes(&recap.client, recap.server.address()).await?;
    sound(recap).await
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_and_summarizes() -> Result<()> {
    let recap = Recap::start().await?;
    let client = &recap.client;
    tokio::try_join!(sets::queries(client), sets::summarizes(client), summarize::covers_long_conversations(client))?;
    sound(recap).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes() -> Result<()> {
    let recap = Recap::start().await?;
    Box::pin(sets::pushes(&recap.client, recap.server.address())).await?;
    sound(recap).await
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_bad_input() -> Result<()> {
    let recap = Recap::start().await?;
    Box::pin(sets::refuses_bad_input(&recap.client, recap.server.address())).await?;
    let metrics = recap.client.get("/metrics").await?;
    ensure!(!metrics.text.contains("code=\"internal\""), "{}", metrics.text);
    sound(recap).await
}
