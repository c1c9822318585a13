//! The services under load, over a database and a bus of their own.
//!
//! Its one law: they are the release binaries with their own defaults, limits off; nothing stands between them and the
//! database, unless commands are to be counted.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use shared_testkit::client::Client;
use shared_testkit::mongo_proxy::MongoProxy;
use shared_testkit::process::{Launch, MongoServer, NatsServer, Server};
use shared_testkit::wait;
use tokio::process::Command;

use crate::footprint::{self, Memory};
use crate::load::{Load, Outcome};
use crate::options::Options;

/// Lanes of an ingest-api by its defaults, and so connections that insert.
pub(crate) const LANES: u64 = 2;
/// What the bare driver may take beyond its time.
const GRACE: Duration = Duration::from_mins(2);

/// A database, a bus, and where the programs are.
pub(crate) struct Cluster {
    mongo: MongoServer,
    nats: NatsServer,
    programs: PathBuf,
    workers: usize,
}

impl Cluster {
    /// Starts database and bus.
    pub(crate) async fn start(options: &Options) -> Result<Self> {
        let programs = match &options.services {
            Some(folder) => folder.clone(),
            None => std::env::current_exe()?.parent().context("a program in no folder")?.to_owned(),
        };
        for name in ["ingest-api", "summarizer-worker", "examples/mongo_bare"] {
            ensure!(
                programs.join(name).is_file(),
                "there is no {}: build it with `cargo build --release -p ingest-api -p summarizer-worker` and \
                 `cargo build --release -p shared-adapters --features mongodb --example mongo_bare`, or name the \
                 folder with --services",
                programs.join(name).display()
            );
        }
        let mongo = MongoServer::start().await?.context("there is no MongoDB server: name one in MONGOD_BIN")?;
        let nats = NatsServer::start().await?.context("there is no NATS server: name one in NATS_SERVER_BIN")?;
        Ok(Self { mongo, nats, programs, workers: options.workers })
    }

    /// What the database is.
    pub(crate) fn engine(&self) -> &'static str {
        if self.mongo.is_real() { "mongod" } else { "ferretdb, a substitute: only ratios mean something" }
    }

    /// A database that nobody has used.
    pub(crate) fn database(&self) -> Database {
        let name = MongoServer::fresh_name();
        Database { url: MongoServer::url_at(self.mongo.server_port(), &name), name }
    }

    /// Counts what is sent to the database by those who ask through it.
    pub(crate) async fn counter(&self) -> Result<MongoProxy> {
        MongoProxy::start(self.mongo.server_port()).await
    }

    /// An ingest-api.
    pub(crate) async fn ingest(&self, store: &str) -> Result<Ingest> {
        let server = self.launch("ingest-api", store).env("LISTEN_ADDR", "127.0.0.1:0").start().await?;
        let client = Client::new(server.address())?;
        wait::until("a ready ingest-api", || async {
            Ok(client.get("/readyz").await.ok().filter(|answer| answer.status == 200))
        })
        .await
        .with_context(|| server.log())?;
        Ok(Ingest { server, client })
    }

    /// As many workers as the command line says.
    pub(crate) async fn workers(&self, store: &str) -> Result<Vec<Server>> {
        let mut workers = Vec::new();
        for _ in 0..self.workers {
            workers.push(self.launch("summarizer-worker", store).start_when("health on http://").await?);
        }
        Ok(workers)
    }

    fn launch(&self, program: &str, store: &str) -> Launch {
        Launch::of(self.programs.join(program))
            .env("ADMIN_ADDR", "127.0.0.1:0")
            .env("STORE_URL", store)
            .env("BUS_URL", self.nats.url())
            .env("RATE_LIMIT_ANONYMOUS", "0")
            .env("LOG_FORMAT", "json")
    }

    /// Documents a second of the bare driver, on a database of its own: copies of the log of `like`, `group` at once.
    pub(crate) async fn bare(&self, like: &Database, group: u64, options: &Options) -> Result<f64> {
        let mut command = Command::new(self.programs.join("examples/mongo_bare"));
        command.args(["--like", &like.url, "--into", &self.database().url]);
        command.args(["--lanes", &LANES.to_string(), "--group", &group.to_string()]);
        command.args(["--warm-up", &options.warm_up().as_secs_f64().to_string()]);
        command.args(["--seconds", &options.counted().as_secs_f64().to_string()]);
        command.kill_on_drop(true);
        let within = options.warm_up() + options.counted() + GRACE;
        let output = tokio::time::timeout(within, command.output()).await.context("the bare driver does not end")??;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the bare driver: {}: {errors}", output.status);
        String::from_utf8(output.stdout)?.trim().parse().context("the bare driver said no number")
    }

    /// Takes the bus away, or brings it back.
    pub(crate) async fn bus(&mut self, there: bool) -> Result<()> {
        if there { self.nats.restart().await } else { self.nats.kill().await }
    }
}

/// A database of a round's own.
pub(crate) struct Database {
    pub(crate) url: String,
    name: String,
}

impl Database {
    /// The same behind a proxy.
    pub(crate) fn behind(&self, proxy: &MongoProxy) -> String {
        MongoServer::url_at(proxy.port(), &self.name)
    }
}

/// A running ingest-api.
pub(crate) struct Ingest {
    server: Server,
    client: Client,
}

impl Ingest {
    pub(crate) fn address(&self) -> &str {
        self.server.address()
    }

    /// None where `/proc` is not as on Linux.
    pub(crate) fn memory(&self) -> Result<Option<Memory>> {
        Ok(footprint::memory(self.server.pid()?))
    }

    /// Puts load on it; every request must be answered 200.
    pub(crate) async fn run(&self, load: &Load) -> Result<Outcome> {
        let outcome = load.run().await?;
        ensure!(outcome.refusal.is_none(), "{} posts were refused: {:?}", outcome.refused, outcome.refusal);
        ensure!(outcome.counted > 0, "no post was answered in the counted time");
        Ok(outcome)
    }

    /// One of its numbers, summed over labels.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64> {
        let text = self.client.get("/metrics").await?.text;
        let own = |line: &&str| line.split(['{', ' ']).next() == Some(name);
        let value = |line: &str| line.rsplit_once(' ').and_then(|(_, value)| value.parse::<f64>().ok());
        Ok(text.lines().filter(own).filter_map(value).sum())
    }

    /// Posts one message.
    pub(crate) async fn say(&self, conversation: &str) -> Result<()> {
        self.client.say(conversation, &[("u", "Is it there yet?")]).await.map(drop)
    }

    /// Commits so far, and the messages in them.
    pub(crate) async fn commits(&self) -> Result<(f64, f64)> {
        let commits = self.metric("recap_append_batch_size_count").await?;
        Ok((commits, self.metric("recap_append_batch_size_sum").await?))
    }

    pub(crate) async fn stop(self) -> Result<()> {
        let status = self.server.stop().await?;
        ensure!(status.success(), "ingest-api ended with {status}");
        Ok(())
    }
}
