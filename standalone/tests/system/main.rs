//! The whole of Recap in one process, through its real interface: the same scenarios that the services pass.

mod access;
mod broken_disk;
mod cli;
mod commands;
mod crash;
mod described;
mod descriptors;
mod docs;
mod durability;
mod erasure;
mod health;
mod hostile;
mod keys;
mod lifecycle;
mod limits;
mod model;
mod overload;
mod redact;
mod reference;
mod scenarios;
mod secrets;
mod tls;
mod transcripts;
mod users;

use std::path::{Path, PathBuf};

use anyhow::Result;
use shared_testkit::client::Client;
use shared_testkit::process::{Launch, Server};
use tempfile::TempDir;

/// The binary under test.
const RECAP: &str = env!("CARGO_BIN_EXE_recap");

/// The root of the repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A server on a folder of its own, and a client of it.
struct Recap {
    server: Server,
    client: Client,
    data: TempDir,
}

impl Recap {
    /// With short times for summaries.
    async fn start() -> Result<Self> {
        Self::with(shared_testkit::scenarios::settings).await
    }

    /// With settings of the test's own.
    async fn with(settings: impl FnOnce(Launch) -> Launch) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let server = settings(Launch::recap(RECAP, data.path())).start().await?;
        let client = Client::new(server.address())?;
        Ok(Self { server, client, data })
    }
}

/// `recap check` on a folder: fails with what it found.
async fn check(data: &Path) -> Result<()> {
    let output = Launch::recap(RECAP, data).arg("check").output().await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "recap check: {}\n{text}", output.status);
    Ok(())
}
