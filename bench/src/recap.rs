//! The server under load, as a child process. Law: it is the release binary with its own defaults, limits off, and it
//! ends with its owner.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use shared_testkit::client::Client;
use shared_testkit::process::{Launch, Server};
use tempfile::TempDir;

use crate::footprint::{self, Memory};
use crate::load::{End, Load, Outcome, Traffic};
use crate::options::{Options, Store};

/// Rows on a page of `GET /chats`.
const LISTED: u64 = 100;

/// Where the program is, and where data go.
pub(crate) struct Bench {
    pub(crate) options: Options,
    binary: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Bench {
    /// Finds the server's program, beside this one unless it was named.
    pub(crate) fn new(options: Options) -> Result<Self> {
        let binary = match &options.recap_binary {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name(format!("recap{}", std::env::consts::EXE_SUFFIX)),
        };
        ensure!(
            binary.is_file() || options.store != Store::Embedded,
            "there is no server at {}: build it with `cargo build --release -p recap`, or name it with --recap-binary",
            binary.display()
        );
        let folder = options.data_dir.clone().unwrap_or_else(std::env::temp_dir);
        ensure!(folder.is_dir(), "--data-dir {} is no folder", folder.display());
        Ok(Self { options, binary, folder })
    }

    /// Starts a server on a folder of its own.
    pub(crate) async fn recap(&self, settings: &[(&str, &str)]) -> Result<Recap> {
        let data = TempDir::with_prefix_in("recap-bench-", &self.folder)?;
        self.recap_on(data, settings).await
    }

    /// Starts a server on data that are there.
    pub(crate) async fn recap_on(&self, data: TempDir, settings: &[(&str, &str)]) -> Result<Recap> {
        let mut launch = Launch::recap(&self.binary, data.path()).env("CONVERSATION_IDLE_END", "0");
        for (name, value) in settings {
            launch = launch.env(name, *value);
        }
        let begin = Instant::now();
        let server = launch.start().await?;
        let listening = begin.elapsed();
        let client = Client::new(server.address())?;
        Ok(Recap { server, client, data, listening, posted: 0 })
    }

    /// Starts the null handler.
    pub(crate) async fn null_server(&self) -> Result<Server> {
        let data = self.folder.join("unused");
        Launch::recap(std::env::current_exe()?, &data).arg("null-server").start().await
    }

    /// Load with the connections and threads of the command line.
    pub(crate) fn load(&self, address: &str, traffic: &Arc<Traffic>, end: End) -> Load {
        Load {
            address: address.to_owned(),
            connections: self.options.connections.into(),
            threads: self.options.threads.into(),
            traffic: Arc::clone(traffic),
            end,
            rate: None,
        }
    }

    /// A round of load as long as the command line says.
    pub(crate) fn round(&self) -> End {
        End::After { warm_up: self.options.warm_up(), counted: self.options.counted() }
    }
}

/// A running server.
pub(crate) struct Recap {
    server: Server,
    pub(crate) client: Client,
    data: TempDir,
    /// From its start until it said that it listens.
    pub(crate) listening: Duration,
    /// Messages that it acknowledged.
    pub(crate) posted: u64,
}

/// How far the views were behind the log, and how long they took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CatchUp {
    /// Messages that no view had when the load ended.
    pub(crate) behind: u64,
    pub(crate) took: Duration,
}

impl Recap {
    pub(crate) fn address(&self) -> &str {
        self.server.address()
    }

    pub(crate) fn pid(&self) -> Result<u32> {
        self.server.pid()
    }

    /// None where `/proc` is not as on Linux.
    pub(crate) fn memory(&self) -> Result<Option<Memory>> {
        Ok(footprint::memory(self.pid()?))
    }

    pub(crate) fn cpu(&self) -> Result<Option<Duration>> {
        Ok(footprint::cpu(self.pid()?))
    }

    /// Puts load on it; every request must be answered 200.
    pub(crate) async fn run(&mut self, load: &Load) -> Result<Outcome> {
        let outcome = load.run().await?;
        self.posted += outcome.answered * load.traffic.messages;
        if let Some(refusal) = &outcome.refusal {
            eprintln!(
                "  {} of {} requests were refused: {refusal}",
                outcome.refused,
                outcome.refused + outcome.answered
            );
        }
        Ok(outcome)
    }

    /// Messages that views have.
    pub(crate) async fn projected(&self) -> Result<u64> {
        let (mut page, mut messages) = (1, 0);
        loop {
            let answer = self.client.get(&format!("/chats?limit={LISTED}&page={page}")).await?.ok()?;
            for row in answer["conversations"].as_array().context("no conversations")? {
                messages += row["message_count"].as_u64().context("no message_count")?;
            }
            if page >= answer["total_pages"].as_u64().context("no total_pages")? {
                return Ok(messages);
            }
            page += 1;
        }
    }

    /// Waits until the views have every message.
    pub(crate) async fn catch_up(&self, within: Duration) -> Result<CatchUp> {
        let begin = Instant::now();
        let behind = self.posted.saturating_sub(self.projected().await?);
        let mut projected = self.posted - behind;
        while projected < self.posted {
            ensure!(
                begin.elapsed() < within,
                "after {within:?} the views have {projected} of {} messages",
                self.posted
            );
            let before = Instant::now();
            projected = self.projected().await?;
            // Looking must not be what it waits for.
            tokio::time::sleep((before.elapsed() * 5).max(Duration::from_millis(5))).await;
        }
        Ok(CatchUp { behind, took: begin.elapsed() })
    }

    /// Holds the whole process, so that what it still has to do does not disturb others, or lets it go on.
    pub(crate) fn hold(&self, hold: bool) -> Result<()> {
        let signal = if hold { "-STOP" } else { "-CONT" };
        let sent = std::process::Command::new("kill").args([signal, &self.pid()?.to_string()]).status()?;
        ensure!(sent.success(), "kill {signal} failed");
        Ok(())
    }

    /// Stops it and gives its data back.
    pub(crate) async fn stop(self) -> Result<TempDir> {
        let status = self.server.stop().await?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(self.data)
    }
}
