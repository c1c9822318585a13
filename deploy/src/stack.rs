//! Gateway, services, database, bus and cache together.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use shared_testkit::client::Client;
use shared_testkit::ledger::Ledger;
use shared_testkit::process::{Launch, MongoServer, NatsServer, RedisServer};

use crate::binaries::binary;
use crate::gateway::Gateway;
use crate::replica::Replica;

/// How many of each, and what differs from the defaults.
#[derive(Clone)]
pub struct Plan {
    /// Replicas of ingest-api.
    pub ingest: usize,
    /// Replicas of summarizer-worker.
    pub workers: usize,
    /// Replicas of query-api.
    pub query: usize,
    /// Whether there is a Redis.
    pub redis: bool,
    /// Settings of all services.
    pub settings: Vec<(&'static str, String)>,
}

impl Default for Plan {
    /// One of each, with short times.
    fn default() -> Self {
        Self { ingest: 1, workers: 1, query: 1, redis: false, settings: Vec::new() }
    }
}

impl Plan {
    /// So many ingest-apis, workers and query-apis.
    #[must_use]
    pub fn of(ingest: usize, workers: usize, query: usize) -> Self {
        Self { ingest, workers, query, ..Self::default() }
    }

    /// With a setting for all services.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    fn launch(&self, launch: Launch, store: &str, bus: &str, redis: Option<&str>) -> Launch {
        let mut launch = shared_testkit::scenarios::settings(launch)
            .env("STORE_URL", store)
            .env("BUS_URL", bus)
            .env("TRUSTED_PROXIES", "127.0.0.1")
            .env("RATE_LIMIT_ANONYMOUS", "0")
            .env("RECONCILE_INTERVAL", "500ms")
            .env("SUMMARY_SWEEP_INTERVAL", "1s")
            .env("SUMMARY_LEASE", "2s");
        if let Some(redis) = redis {
            launch = launch.env("REDIS_URL", redis);
        }
        for (name, value) in &self.settings {
            launch = launch.env(name, value.clone());
        }
        launch
    }
}

/// Everything that runs.
pub struct Stack {
    /// The database.
    pub mongo: MongoServer,
    /// The bus.
    pub nats: NatsServer,
    /// The cache, where the plan has one.
    pub redis: Option<RedisServer>,
    /// Replicas of ingest-api.
    pub ingest: Vec<Replica>,
    /// Replicas of summarizer-worker.
    pub workers: Vec<Replica>,
    /// Replicas of query-api.
    pub query: Vec<Replica>,
    /// nginx.
    pub gateway: Gateway,
    /// A client of the gateway.
    pub client: Client,
    store: String,
}

impl Stack {
    /// All of it, ready; `None` where a server is not installed.
    pub async fn start(plan: &Plan) -> Result<Option<Self>> {
        let Some(mongo) = MongoServer::start().await? else { return Ok(None) };
        let store = mongo.url("recap");
        let Some(stack) = Self::over(plan, mongo, store).await? else { return Ok(None) };
        stack.ready().await?;
        Ok(Some(stack))
    }

    /// All of it, the services told of the database by this URL, not waited for.
    pub async fn over(plan: &Plan, mongo: MongoServer, store: String) -> Result<Option<Self>> {
        let Some(nats) = NatsServer::start().await? else { return Ok(None) };
        let redis = if plan.redis { RedisServer::start().await? } else { None };
        if plan.redis && redis.is_none() {
            return Ok(None);
        }
        let (bus, cache) = (nats.url(), redis.as_ref().map(RedisServer::url));
        let replicas = |service, count| -> Result<Vec<Replica>> {
            let new = |_| Replica::new(service, |launch| plan.launch(launch, &store, &bus, cache.as_deref()));
            (0..count).map(new).collect()
        };
        let mut ingest = replicas("ingest-api", plan.ingest)?;
        let mut workers = replicas("summarizer-worker", plan.workers)?;
        let mut query = replicas("query-api", plan.query)?;
        for replica in ingest.iter_mut().chain(&mut workers).chain(&mut query) {
            replica.start().await?;
        }
        let ports = |replicas: &[Replica]| replicas.iter().map(Replica::port).collect::<Vec<_>>();
        let Some(gateway) = Gateway::start(&ports(&ingest), &ports(&query)).await? else { return Ok(None) };
        let client = Client::new(&gateway.address())?;
        Ok(Some(Self { mongo, nats, redis, ingest, workers, query, gateway, client, store }))
    }

    /// Every replica.
    pub fn replicas(&mut self) -> impl Iterator<Item = &mut Replica> {
        self.ingest.iter_mut().chain(&mut self.workers).chain(&mut self.query)
    }

    /// Waits until every replica says that it is ready.
    pub async fn ready(&self) -> Result<()> {
        for replica in self.ingest.iter().chain(&self.workers).chain(&self.query) {
            replica.ready().await?;
        }
        Ok(())
    }

    /// `host:port` of the gateway.
    #[must_use]
    pub fn address(&self) -> String {
        self.gateway.address()
    }

    /// A command of `recap` on the whole database, with what it printed.
    pub async fn recap(&self, args: &[&str]) -> Result<String> {
        let mut launch = Launch::of(binary("recap")?).env("STORE_URL", &self.store).env("LOG_FORMAT", "json");
        for arg in args {
            launch = launch.arg(*arg);
        }
        let output = launch.output().await?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "recap {args:?}: {}\n{text}{errors}", output.status);
        Ok(text)
    }

    /// What ends every fault test: each acknowledged message is there once, seqs have no holes, every message is
    /// covered by a summary, and `recap check` finds every view and summary equal to what the log gives.
    pub async fn check(mut self, ledger: &Ledger) -> Result<()> {
        ensure!(ledger.acknowledgements() > 0, "there was no load");
        self.ready().await?;
        for conversation in ledger.conversations() {
            let history = self.client.history(conversation).await?;
            ledger.check_messages(conversation, &history)?;
            let summary = self.client.settled_summary(conversation).await.with_context(|| self.logs())?;
            ensure!(summary["covers"]["messages"] == history.len(), "{summary}");
        }
        for replica in self.replicas() {
            let status = replica.stop().await.with_context(|| replica.service())?;
            ensure!(status.code() == Some(0), "{} ended with {status}", replica.service());
        }
        self.recap(&["check"]).await.map(drop)
    }

    /// What all replicas have written.
    #[must_use]
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for replica in self.ingest.iter().chain(&self.workers).chain(&self.query) {
            let log = replica.log();
            let tail: Vec<&str> = log.lines().rev().take(20).collect();
            for part in
                ["== ", replica.service(), "\n"].into_iter().chain(tail.into_iter().rev().flat_map(|line| [line, "\n"]))
            {
                text.push_str(part);
            }
        }
        text + &self.gateway.log()
    }
}

/// How often the long versions of fault tests repeat their fault: `FAULT_ROUNDS`, else this many.
pub fn rounds(default: u32) -> Result<u32> {
    match std::env::var("FAULT_ROUNDS") {
        Ok(text) => text.parse().context("FAULT_ROUNDS is a number"),
        Err(_) => Ok(default),
    }
}

/// Longer than any stop may take: promised are 10 s, and the machine may be busy.
pub const STOP: Duration = Duration::from_secs(20);
