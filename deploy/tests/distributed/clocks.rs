//! Replicas whose clocks are ten minutes apart: order, coverage and leases do not rest on clocks that agree.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use deploy::stack::Plan;
use ingest_api::IngestConfig;
use shared::config::SummaryPolicy;
use shared::domain::Timestamp;
use shared::ports::{Clock, Ports};
use shared_adapters::{StoreConfig, SystemClock, open_closing};
use shared_service::{Gate, HttpConfig, Server, Tasks};
use shared_testkit::client::Client;
use shared_testkit::ledger::Ledger;
use summarizer_worker::{LocalSummarizer, WorkerConfig};

use crate::stack;

/// In milliseconds.
const APART: i64 = 10 * 60 * 1000;

/// The machine's clock, ten minutes behind.
struct Behind;

impl Clock for Behind {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() - APART)
    }
}

/// An ingest-api and a worker in this process, told another time.
async fn behind(ports: &Ports, tasks: &Tasks) -> Result<(Client, tokio::task::JoinHandle<()>)> {
    let ports = Ports { clock: Arc::new(Behind), ..ports.clone() };
    let policy = SummaryPolicy {
        summary_idle: Duration::from_millis(150),
        summary_min_interval: Duration::from_millis(300),
        ..SummaryPolicy::default()
    };
    let worker = WorkerConfig { policy, reconcile_interval: Duration::from_millis(500), ..WorkerConfig::default() };
    summarizer_worker::build(&ports, Arc::new(LocalSummarizer), &worker, tasks);
    let http = HttpConfig { rate_limit_anonymous: 0, ..HttpConfig::default() };
    let ingest = IngestConfig::default();
    let app = Gate::new(&http, ingest.limits.max_body_bytes, &ports).around(ingest_api::build(&ports, &ingest, tasks));
    let server = Server::bind(&http).await?;
    let client = Client::new(&server.local_addr().to_string())?;
    let tasks = tasks.clone();
    Ok((client, tokio::spawn(async move { server.run(app, &tasks).await })))
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_with_clocks_ten_minutes_apart_agree() -> Result<()> {
    let stack = stack!(Plan::of(1, 1, 1));
    let config = StoreConfig {
        store_url: stack.mongo.url("recap").parse()?,
        bus_url: stack.nats.url().parse()?,
        ..StoreConfig::embedded("unused")
    };
    let (ports, closing) = open_closing(&config).await?;
    let tasks = Tasks::new();
    let (slow, serving) = behind(&ports, &tasks).await?;
    drop(ports);
    let mut ledger = Ledger::default();
    for number in 0..40 {
        let (client, content) = (if number % 2 == 0 { &stack.client } else { &slow }, format!("step {number}"));
        client.say("clocks", &[("u", &content)]).await?;
        ledger.acknowledged("clocks", &content);
    }
    let summary = stack.client.settled_summary("clocks").await.with_context(|| stack.logs())?;
    ensure!(summary["covers"]["messages"] == 40, "{summary}");
    // Shown by time of receipt, each half in its own order; given seqs in the order of their answers.
    let mut history = stack.client.history("clocks").await?;
    ensure!(history[..20].iter().all(|message| message["seq"].as_u64().is_some_and(|seq| seq % 2 == 0)), "{history:?}");
    history.sort_by_key(|message| message["seq"].as_u64());
    for (number, message) in history.iter().enumerate() {
        ensure!(message["content"] == format!("step {number}"), "{message}");
    }
    tasks.stop();
    serving.await?;
    tasks.shutdown(Duration::from_secs(10)).await?;
    ensure!(closing.close(Duration::from_secs(10)).await, "not closed in time");
    stack.check(&ledger).await
}
