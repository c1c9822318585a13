//! The commands that work on a running server or on files, as people type them.

mod broken_off;
mod files;
mod help;
mod import;
mod json;
mod round_trip;
mod secure;
mod store;
mod stream;
mod terminal;
mod watch;

use std::path::Path;
use std::process::Output;

use anyhow::{Result, ensure};
use shared_testkit::process::Launch;

use crate::{RECAP, Recap};

/// What a command came to.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// With this exit code, or it fails with all that was said.
    fn exits(self, code: i32) -> Result<Self> {
        ensure!(self.code == code, "exit code {}, not {code}\n{}\n{}", self.code, self.out, self.err);
        Ok(self)
    }

    fn json(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_str(self.out.trim())?)
    }
}

/// Runs a command far from any server.
async fn run(args: &[&str]) -> Result<Ran> {
    run_at("http://127.0.0.1:1", args).await
}

/// Runs a command with this server.
async fn run_at(url: &str, args: &[&str]) -> Result<Ran> {
    let data = tempfile::tempdir()?;
    let launch = args.iter().fold(Launch::recap(RECAP, data.path()), |launch, arg| launch.arg(*arg));
    Ok(Ran::of(&launch.env("RECAP_URL", url).output().await?))
}

/// Runs a command on this store.
async fn on(data: &tempfile::TempDir, args: &[&str]) -> Result<Ran> {
    let launch = args.iter().fold(Launch::recap(RECAP, data.path()), |launch, arg| launch.arg(*arg));
    Ok(Ran::of(&launch.output().await?))
}

impl Recap {
    /// Runs a command with this server.
    async fn run(&self, args: &[&str]) -> Result<Ran> {
        run_at(&self.server.url(""), args).await
    }
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// A file with this text, by its path.
fn file(folder: &tempfile::TempDir, name: &str, text: impl AsRef<[u8]>) -> Result<String> {
    std::fs::write(folder.path().join(name), text)?;
    Ok(path(folder, name))
}

fn read(path: impl AsRef<Path>) -> Result<String> {
    Ok(std::fs::read_to_string(path)?)
}
