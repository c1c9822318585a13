//! Servers as child processes. Law: their data live in temporary folders, and they die with their owner.

pub mod backend;
mod mongo;
mod nats;
mod redis;

pub use mongo::MongoServer;
pub use nats::NatsServer;
pub use redis::RedisServer;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::wait;

/// How to start a binary.
#[derive(Debug, Clone)]
pub struct Launch {
    binary: PathBuf,
    args: Vec<String>,
    env: BTreeMap<String, String>,
}

impl Launch {
    /// `recap` on a free port over `data`, without limits that would slow tests down.
    #[must_use]
    pub fn recap(binary: impl Into<PathBuf>, data: &Path) -> Self {
        Self::of(binary)
            .env("LISTEN_ADDR", "127.0.0.1:0")
            .env("STORE_URL", format!("embedded:{}", data.display()))
            .env("RATE_LIMIT_ANONYMOUS", "0")
            .env("LOG_FORMAT", "json")
    }

    /// Any binary, without settings.
    #[must_use]
    pub fn of(binary: impl Into<PathBuf>) -> Self {
        Self { binary: binary.into(), args: Vec::new(), env: BTreeMap::new() }
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(&self.args).env_clear().envs(&self.env).stdin(Stdio::null()).kill_on_drop(true);
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Starts it and waits until it listens.
    pub async fn start(&self) -> Result<Server> {
        self.start_when("listening on http://").await
    }

    /// Starts it and waits for the line in which an address follows these words.
    pub async fn start_when(&self, words: &'static str) -> Result<Server> {
        let mut child = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let log = Arc::new(Mutex::new(String::new()));
        let (found, listening) = tokio::sync::oneshot::channel();
        let stderr = child.stderr.take().context("no standard error")?;
        let stdout = child.stdout.take().context("no standard output")?;
        let outputs = vec![
            tokio::spawn(keep(stderr, Arc::clone(&log), Some((words, found)))),
            tokio::spawn(keep(stdout, Arc::clone(&log), None)),
        ];
        if let Ok(Ok(address)) = tokio::time::timeout(wait::LIMIT, listening).await {
            return Ok(Server { child, address, log, outputs });
        }
        let log = log.lock().map(|log| log.clone()).unwrap_or_default();
        bail!("{} did not start:\n{log}", self.binary.display())
    }

    /// Runs it to its end.
    pub async fn output(&self) -> Result<std::process::Output> {
        Ok(tokio::time::timeout(wait::LIMIT, self.command().output()).await.context("it did not end")??)
    }
}

/// Keeps the lines of an output, and tells the address behind the wanted words, once.
async fn keep(
    output: impl tokio::io::AsyncRead + Unpin,
    log: Arc<Mutex<String>>,
    mut wanted: Option<(&str, tokio::sync::oneshot::Sender<String>)>,
) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let address = |(_, rest): (&str, &str)| {
            rest.split(|c: char| c.is_whitespace() || c == '"').next().unwrap_or_default().to_owned()
        };
        let found = wanted.as_ref().and_then(|(words, _)| line.split_once(*words)).map(address);
        if let Some(address) = found
            && let Some((_, found)) = wanted.take()
        {
            let _ = found.send(address);
        }
        if let Ok(mut log) = log.lock() {
            log.push_str(&line);
            log.push('\n');
        }
    }
}

/// A running server.
pub struct Server {
    child: Child,
    address: String,
    log: Arc<Mutex<String>>,
    outputs: Vec<tokio::task::JoinHandle<()>>,
}

impl Server {
    /// Where it listens, as `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `http://host:port` and a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().map(|log| log.clone()).unwrap_or_default()
    }

    /// Its process id.
    pub fn pid(&self) -> Result<u32> {
        self.child.id().context("it has ended")
    }

    /// Kills it at once (SIGKILL) and waits until it is gone.
    pub async fn kill(mut self) -> Result<()> {
        self.child.start_kill()?;
        self.child.wait().await?;
        Ok(())
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    pub async fn stop(mut self) -> Result<ExitStatus> {
        let pid = self.pid()?;
        let sent = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        anyhow::ensure!(sent.success(), "kill -TERM failed");
        Ok(tokio::time::timeout(wait::LIMIT, self.child.wait()).await.context("it did not stop")??)
    }

    /// Asks it to stop, and gives all that it has written until its end.
    pub async fn log_when_stopped(mut self) -> Result<String> {
        let (log, outputs) = (Arc::clone(&self.log), std::mem::take(&mut self.outputs));
        self.stop().await?;
        for output in outputs {
            tokio::time::timeout(wait::LIMIT, output).await.context("its output does not end")??;
        }
        Ok(log.lock().map(|log| log.clone()).unwrap_or_default())
    }
}
