//! The commands of `recap` on a whole database, and what no process ever says.

use std::sync::Arc;

use anyhow::{Result, ensure};
use deploy::binaries::binary;
use deploy::replica::Replica;
use deploy::stack::Plan;
use shared::domain::{ConversationId, ConversationKey, TenantId};
use shared::ports::{Clock as _, DeadLetter};
use shared_adapters::{MongoConfig, MongoStore, StoreConfig, SystemClock, SystemIds};
use shared_testkit::process::{Launch, MongoServer, backend};
use shared_testkit::wait;

use crate::stack;

#[tokio::test(flavor = "multi_thread")]
async fn migrating_makes_every_index_and_may_be_repeated() -> Result<()> {
    let Some(mongo) = MongoServer::start().await? else { return Ok(()) };
    let url = mongo.url("migrated");
    let store = MongoStore::connect(&MongoConfig::new(url.parse()?), Arc::new(SystemIds)).await?;
    ensure!(!store.missing_indexes().await?.is_empty());
    for _ in 0..2 {
        let migrate = Launch::of(binary("recap")?).env("STORE_URL", &url).arg("migrate").output().await?;
        let told = String::from_utf8_lossy(&migrate.stdout);
        ensure!(migrate.status.success() && told.contains("indexes and collections are as"), "{migrate:?}");
        ensure!(store.missing_indexes().await?.is_empty());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_and_replayed() -> Result<()> {
    let mut stack = stack!(Plan::default());
    stack.client.say("failed", &[("u", "We ship on Friday.")]).await?;
    stack.client.settled_summary("failed").await?;
    for replica in stack.replicas() {
        replica.stop().await?;
    }
    let config = StoreConfig { store_url: stack.mongo.url("recap").parse()?, ..StoreConfig::embedded("unused") };
    let ports = shared_adapters::open(&config).await?;
    let key = ConversationKey::new(TenantId::public(), ConversationId::parse("failed")?);
    let (hop, reason) = ("project".to_owned(), "a fault of the test".to_owned());
    ports.views.failed(&DeadLetter { key, hop, reason, at: SystemClock.now(), attempts: 1 }).await?;
    let listed = stack.recap(&["dead-letters", "list", "--json"]).await?;
    ensure!(listed.contains("\"failed\"") && listed.contains("a fault of the test"), "{listed}");
    ensure!(!listed.contains("Friday"), "{listed}");
    let replayed = stack.recap(&["dead-letters", "replay", "failed"]).await?;
    ensure!(replayed.contains("done, up to record 1"), "{replayed}");
    ensure!(stack.recap(&["dead-letters", "list", "--json"]).await?.is_empty());
    Ok(())
}

const SECRET: &str = "hunter2";

/// Of servers with a password that are not there.
fn secretive(launch: Launch, nowhere: u16) -> Launch {
    launch
        .env("STORE_URL", format!("mongodb://anna:{SECRET}@127.0.0.1:{nowhere}/recap?authSource=admin"))
        .env("BUS_URL", format!("nats://anna:{SECRET}@127.0.0.1:{nowhere}"))
        .env("REDIS_URL", format!("redis://anna:{SECRET}@127.0.0.1:{nowhere}"))
        .env("LOG_LEVEL", "debug")
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_of_servers_are_never_shown() -> Result<()> {
    let nowhere = backend::free_port()?;
    for service in ["ingest-api", "summarizer-worker", "query-api"] {
        let mut replica = Replica::new(service, |launch| secretive(launch, nowhere))?;
        replica.start().await?;
        let waits = || async { Ok(replica.log().contains("waiting").then_some(())) };
        wait::until("a line that says what is waited for", waits).await?;
        for path in ["/readyz", "/metrics"] {
            let told = replica.operators()?.get(path).await?.text;
            ensure!(!told.contains(SECRET), "{service} {path}: {told}");
        }
        let log = replica.log();
        ensure!(log.contains("127.0.0.1") && !log.contains(SECRET), "{service}: {log}");
        ensure!(replica.stop().await?.success());
        let help = secretive(Launch::of(binary(service)?), nowhere).arg("--help").output().await?;
        ensure!(!String::from_utf8_lossy(&help.stdout).contains(SECRET), "{help:?}");
        let wrong = secretive(Launch::of(binary(service)?), nowhere)
            .env("STORE_URL", format!("mongodb://anna:{SECRET}@host:port/recap"))
            .env("BUS_URL", format!("nats://anna:{SECRET}@host:port"))
            .output()
            .await?;
        let complaint = String::from_utf8_lossy(&wrong.stderr);
        ensure!(wrong.status.code() == Some(2) && !complaint.contains(SECRET), "{complaint}");
        ensure!(complaint.contains("--store-url") && complaint.contains("--bus-url"), "{complaint}");
    }
    let check =
        secretive(Launch::of(binary("recap")?), nowhere).env("BUS_URL", "embedded:").arg("check").output().await?;
    let said = format!("{}{}", String::from_utf8_lossy(&check.stdout), String::from_utf8_lossy(&check.stderr));
    ensure!(check.status.code() == Some(1) && said.contains("127.0.0.1") && !said.contains(SECRET), "{said}");
    Ok(())
}

/// A name that DNS does not know is waited for too: it may be known later.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_dns_does_not_know_is_waited_for() -> Result<()> {
    let store = format!("mongodb+srv://anna:{SECRET}@cluster.recap.invalid/recap");
    let mut replica = Replica::new("ingest-api", |launch| launch.env("STORE_URL", store))?;
    replica.start().await?;
    let waits = || async { Ok(replica.log().contains("waiting").then_some(())) };
    wait::until("a line that says what is waited for", waits).await?;
    let log = replica.log();
    ensure!(log.contains("mongodb+srv://cluster.recap.invalid/recap is not there yet") && log.contains("DNS"), "{log}");
    ensure!(!log.contains(SECRET), "{log}");
    ensure!(replica.stop().await?.success());
    Ok(())
}

/// A login that the database refuses is waited for like a database that is away, and named without its password.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_told_without_its_password() -> Result<()> {
    let Some(mongo) = MongoServer::start().await? else { return Ok(()) };
    let store = mongo.url("recap").replace("mongodb://", &format!("mongodb://anna:{SECRET}@"));
    let mut replica = Replica::new("query-api", |launch| launch.env("STORE_URL", store))?;
    replica.start().await?;
    let waits = || async { Ok(replica.log().contains("waiting").then_some(())) };
    wait::until("a line that says what is waited for", waits).await?;
    ensure!(!replica.is_ready().await?);
    let log = replica.log();
    ensure!(log.contains("not there yet") && !log.contains(SECRET), "{log}");
    ensure!(replica.stop().await?.success());
    Ok(())
}
