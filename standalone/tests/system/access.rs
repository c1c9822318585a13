//! Who may do what: the whole matrix, with and without anonymous callers, and two tenants that name all alike.

use anyhow::{Context, Result, ensure};
use shared_testkit::process::Launch;
use shared_testkit::scenarios::access::{self, Keys};
use shared_testkit::scenarios::{self, same_work, tenants};
use shared_testkit::socket::Socket;
use shared_testkit::wait;

use crate::keys::keys;
use crate::{RECAP, Recap, check};

async fn create(recap: &Recap, tenant: &str, scopes: &str, more: &[&str]) -> Result<String> {
    let mut args = vec!["create", "--tenant", tenant, "--scopes", scopes, "--rate", "0"];
    args.extend(more);
    Ok(keys(recap, &args).await?.trim().to_owned())
}

async fn all_kinds(recap: &Recap) -> Result<Keys> {
    let all = "write,read,admin";
    let revoked = create(recap, "acme", all, &[]).await?;
    keys(recap, &["revoke", &revoked[..11]]).await?;
    Ok(Keys {
        all: create(recap, "acme", all, &[]).await?,
        single: [
            create(recap, "acme", "write", &[]).await?,
            create(recap, "acme", "read", &[]).await?,
            create(recap, "acme", "admin", &[]).await?,
        ],
        other: create(recap, "other", all, &[]).await?,
        expired: create(recap, "acme", all, &["--expires", "1ms"]).await?,
        revoked,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_and_socket_knows_who_asks() -> Result<()> {
    let recap = Recap::start().await?;
    let keys = all_kinds(&recap).await?;
    let calls = access::matrix(&recap.client, &keys, true).await?;
    ensure!(calls > 100, "only {calls} calls");
    Box::pin(access::sockets(&recap.client, recap.server.address(), &keys, true)).await?;
    recap.server.stop().await?;
    check(recap.data.path()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_anonymous_is_off_a_key_is_needed_everywhere_but_for_operators() -> Result<()> {
    let recap = Recap::with(|launch| scenarios::settings(launch).env("ANONYMOUS", "off")).await?;
    let keys = all_kinds(&recap).await?;
    access::matrix(&recap.client, &keys, false).await?;
    Box::pin(access::sockets(&recap.client, recap.server.address(), &keys, false)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_names_in_two_tenants_never_meet() -> Result<()> {
    let recap = Recap::start().await?;
    let all = "write,read";
    let (one, other) = (create(&recap, "one", all, &[]).await?, create(&recap, "other", all, &[]).await?);
    tenants::never_meet(&recap.client.with_key(&one), &recap.client.with_key(&other)).await?;
    // Nor do their limits: each key has its own.
    let mut limited = Vec::new();
    for tenant in ["one", "other"] {
        let made = keys(&recap, &["create", "--tenant", tenant, "--scopes", all, "--rate", "2"]).await?;
        limited.push(recap.client.with_key(made.trim()));
    }
    for _ in 0..2 {
        ensure!(limited[0].get("/chats").await?.status == 200);
    }
    ensure!(limited[0].get("/chats").await?.code()? == "rate_limited");
    ensure!(limited[1].get("/chats").await?.status == 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_foreign_costs_what_is_missing_costs() -> Result<()> {
    let recap = Recap::with(same_work::settings).await?;
    let all = "write,read,admin";
    let (owner, other) = (create(&recap, "acme", all, &[]).await?, create(&recap, "other", all, &[]).await?);
    let walked = same_work::foreign_costs_what_missing_costs(&recap.client, &owner, &other).await?;
    ensure!(walked > 5, "only {walked} operations");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_tells_when_a_key_was_last_used() -> Result<()> {
    let recap = Recap::start().await?;
    let (used, unused) = (create(&recap, "used", "read", &[]).await?, create(&recap, "unused", "read", &[]).await?);
    ensure!(recap.client.with_key(&used).get("/chats").await?.status == 200);
    recap.server.stop().await?;
    let listed = Launch::recap(RECAP, recap.data.path()).arg("keys").arg("list").output().await?;
    let listed = String::from_utf8(listed.stdout)?;
    let row = |key: &str| listed.lines().find(|line| line.starts_with(&key[..11])).context("not listed");
    // To the hour.
    ensure!(row(&used)?.contains("used 20") && row(&used)?.ends_with(":00:00Z"), "{listed}");
    ensure!(row(&unused)?.ends_with("never used"), "{listed}");
    ensure!(!listed.contains(&used), "the key was shown again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_gets_as_many_sockets_as_set_wherever_it_stands() -> Result<()> {
    let recap = Recap::with(|launch| scenarios::settings(launch).env("MAX_SOCKETS_PER_KEY", "2")).await?;
    let (key, address) = (create(&recap, "acme", "write,read", &[]).await?, recap.server.address());
    recap.client.with_key(&key).say("c", &[("anna", "heard")]).await?;
    let frame = serde_json::json!({ "conversation_id": "c", "key": key }).to_string();
    let by_header = || Socket::with_header(address, "conversation_id=c", "x-api-key", &key);
    let first = by_header().await?;
    let mut second = Socket::connect(address, "").await?;
    second.text(&frame).await?;
    second.until("insights").await?;
    let refused = by_header().await.err().context("a third was let in")?.to_string();
    ensure!(refused.contains("429"), "{refused}");
    let mut third = Socket::connect(address, "").await?;
    third.text(&frame).await?;
    ensure!(third.until("error").await?["detail"]["code"] == "rate_limited");
    ensure!(third.closed().await?.0 == 1013);
    drop(first);
    wait::until("the place to be free again", || async { Ok(by_header().await.ok()) }).await.map(drop)
}
