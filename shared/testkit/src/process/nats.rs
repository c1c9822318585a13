//! `nats-server` with `JetStream`, on a port that stays the same when it is started again.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tempfile::TempDir;
use tokio::process::Command;

use super::backend::{self, Daemon};

/// A NATS server with its files in a temporary folder.
pub struct NatsServer {
    binary: PathBuf,
    port: u16,
    files: TempDir,
    settings: String,
    running: Option<Daemon>,
}

impl NatsServer {
    /// One that runs; `None` if there is no binary.
    pub async fn start() -> Result<Option<Self>> {
        Self::with("").await
    }

    /// One that runs, with lines of its own in its configuration file.
    pub async fn with(settings: &str) -> Result<Option<Self>> {
        let Some(mut server) = Self::stopped(settings)? else { return Ok(None) };
        server.restart().await?;
        Ok(Some(server))
    }

    /// One that does not run yet.
    pub fn stopped(settings: &str) -> Result<Option<Self>> {
        let Some(binary) = backend::find("NATS_SERVER_BIN", "nats-server") else { return Ok(None) };
        let (port, files) = (backend::free_port()?, tempfile::tempdir()?);
        Ok(Some(Self { binary, port, files, settings: settings.to_owned(), running: None }))
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it has written.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.as_ref().map(Daemon::log).unwrap_or_default()
    }

    /// Starts it (again), on the same port and files.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        let configuration = self.files.path().join("nats.conf");
        let store = self.files.path().join("jetstream");
        let text = format!(
            "listen: 127.0.0.1:{}\njetstream {{ store_dir: {:?} }}\n{}\n",
            self.port,
            store.display().to_string(),
            self.settings
        );
        std::fs::write(&configuration, text)?;
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(&configuration);
        self.running = Some(Daemon::start(command, "Server is ready").await?);
        Ok(())
    }

    /// Where its files are.
    #[must_use]
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// Kills it at once (SIGKILL). Its files stay.
    pub async fn kill(&mut self) -> Result<()> {
        match self.running.take() {
            Some(mut running) => running.kill().await,
            None => Ok(()),
        }
    }

    /// Removes all that it has stored; only while it does not run.
    pub fn lose_files(&self) -> Result<()> {
        anyhow::ensure!(self.running.is_none(), "it still runs");
        Ok(std::fs::remove_dir_all(self.files.path().join("jetstream"))?)
    }

    /// Stops it from doing anything (SIGSTOP), without a word to its clients.
    pub async fn freeze(&self) -> Result<()> {
        match &self.running {
            Some(running) => running.signal("STOP").await,
            None => Ok(()),
        }
    }

    /// Goes on after [`Self::freeze`].
    pub async fn thaw(&self) -> Result<()> {
        match &self.running {
            Some(running) => running.signal("CONT").await,
            None => Ok(()),
        }
    }
}
