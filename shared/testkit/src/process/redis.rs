//! `redis-server` that keeps nothing, on a port that stays the same when it is started again.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use super::backend::{self, Daemon};

/// A Redis server.
pub struct RedisServer {
    binary: PathBuf,
    port: u16,
    folder: TempDir,
    password: Option<String>,
    running: Option<Daemon>,
}

impl RedisServer {
    /// One that runs; `None` if there is no binary.
    pub async fn start() -> Result<Option<Self>> {
        let Some(mut server) = Self::stopped()? else { return Ok(None) };
        server.restart().await?;
        Ok(Some(server))
    }

    /// One that runs and asks for a password.
    pub async fn with_password(password: &str) -> Result<Option<Self>> {
        let Some(mut server) = Self::stopped()? else { return Ok(None) };
        server.password = Some(password.to_owned());
        server.restart().await?;
        Ok(Some(server))
    }

    /// One that does not run yet.
    pub fn stopped() -> Result<Option<Self>> {
        let Some(binary) = backend::find("REDIS_SERVER_BIN", "redis-server") else { return Ok(None) };
        let (port, folder) = (backend::free_port()?, tempfile::tempdir()?);
        Ok(Some(Self { binary, port, folder, password: None, running: None }))
    }

    /// Where it listens, with the password, if there is one.
    #[must_use]
    pub fn url(&self) -> String {
        let login = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{login}127.0.0.1:{}", self.port)
    }

    /// Starts it (again), empty, on the same port.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill().await?;
        let mut command = Command::new(&self.binary);
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(self.folder.path());
        if let Some(password) = &self.password {
            command.args(["--requirepass", password]);
        }
        self.running = Some(Daemon::start(command, "eady to accept connections").await?);
        Ok(())
    }

    /// Where its files are.
    #[must_use]
    pub fn files(&self) -> &Path {
        self.folder.path()
    }

    /// Writes all that it has into a file.
    pub async fn dump(&self) -> Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(b"SAVE\r\n").await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        ensure!(&answer == b"+OK\r\n", "{}", String::from_utf8_lossy(&answer));
        Ok(())
    }

    /// Kills it at once (SIGKILL). All that it had is lost.
    pub async fn kill(&mut self) -> Result<()> {
        match self.running.take() {
            Some(mut running) => running.kill().await,
            None => Ok(()),
        }
    }

    /// Stops it from doing anything (SIGSTOP): connections stay, answers do not come.
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
