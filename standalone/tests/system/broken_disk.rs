//! A disk that fails to sync: nothing is acknowledged on top of it, reads go on, and nothing acknowledged is lost.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use shared_testkit::client::Client;
use shared_testkit::ledger::Ledger;
use shared_testkit::process::Launch;
use shared_testkit::scenarios;

use crate::durability::can_trace;
use crate::{RECAP, check};

/// Syncs of the log that succeed before all fail.
const GOOD: u32 = 12;
/// Far more posts than that.
const POSTS: u32 = 60;

/// Posts one message after the other; answers how many were refused.
async fn post(client: &Client, ledger: &mut Ledger) -> Result<u32> {
    let mut refused = 0;
    for number in 0..POSTS {
        let content = format!("message {number}");
        let body = json!({"conversation_id": "disk", "user_id": "u", "messages": [{"content": content}]});
        let answer = client.send(client.request(Method::POST, "/chats").json(&body)).await?;
        if answer.status == 200 {
            ensure!(refused == 0, "message {number} was acknowledged after a failed commit");
            ledger.acknowledged("disk", &content);
            continue;
        }
        ensure!(answer.status == 503, "{answer:?}");
        ensure!(!answer.header("retry-after").is_empty(), "{answer:?}");
        // The one in the commit that failed may be there or not; those after it are not.
        if refused == 0 {
            ledger.unknown("disk", &content);
        }
        refused += 1;
    }
    Ok(refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_sync_nothing_more_is_acknowledged() -> Result<()> {
    if !can_trace()? {
        return Ok(());
    }
    let data = tempfile::tempdir()?;
    let wal = data.path().join("log.db-wal").display().to_string();
    let fault = format!("inject=fdatasync,fsync:error=EIO:when={GOOD}+");
    let mut launch = scenarios::settings(Launch::recap("strace", data.path()));
    for arg in ["-D", "-f", "-o", "/dev/null", "-P", &wal, "-e", "trace=fdatasync,fsync", "-e", &fault, RECAP] {
        launch = launch.arg(arg);
    }
    let server = launch.start().await?;
    let client = Client::new(server.address())?;
    let mut ledger = Ledger::default();
    let refused = post(&client, &mut ledger).await?;
    ensure!(refused > 0 && ledger.acknowledgements() > 0, "{refused} refused, {} not", ledger.acknowledgements());
    let ready = client.get("/readyz").await?;
    ensure!(ready.status == 503, "a log that takes nothing is not ready: {ready:?}");
    ensure!(client.get("/healthz").await?.status == 200);
    ledger.check("disk", &client.history("disk").await.context("reads go on")?)?;
    server.kill().await?;

    let server = scenarios::settings(Launch::recap(RECAP, data.path())).start().await?;
    let client = Client::new(server.address())?;
    ledger.check("disk", &client.history("disk").await?)?;
    client.say("disk", &[("u", "the disk is well again")]).await?;
    server.stop().await?;
    check(data.path()).await
}
