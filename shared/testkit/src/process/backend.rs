//! Servers that are not ours: found, started, killed. Law: without its binary a test is skipped, and says so; where
//! `REQUIRE_BACKENDS=1`, that is a failure.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::wait;

/// The binary that `variable` names, else the one of that name on the path, else in `../shared/bin`. `None`: skip.
///
/// # Panics
/// Without one, where `REQUIRE_BACKENDS=1`.
#[must_use]
pub fn find(variable: &str, name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let places = std::env::split_paths(&path).chain([root.join("../shared/bin")]).map(|folder| folder.join(name));
    let found = named.clone().into_iter().chain(places.filter(|_| named.is_none())).find(|path| path.is_file());
    if found.is_none() {
        let reason = format!("no {name}: neither in {variable} nor on the path");
        assert!(std::env::var("REQUIRE_BACKENDS").as_deref() != Ok("1"), "{reason}, and REQUIRE_BACKENDS=1");
        eprintln!("SKIPPED: {reason}");
    }
    found
}

/// A child process that writes what it does.
pub(super) struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Daemon {
    /// Starts it and waits for the line that holds `ready`.
    pub(super) async fn start(mut command: Command, ready: &str) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
        let log = Arc::new(Mutex::new(String::new()));
        let (said, mut lines) = mpsc::channel(16);
        let out = child.stdout.take().context("no standard output")?;
        let err = child.stderr.take().context("no standard error")?;
        tokio::spawn(keep(out, ready.to_owned(), Arc::clone(&log), said.clone()));
        tokio::spawn(keep(err, ready.to_owned(), Arc::clone(&log), said));
        let started = Self { child, log };
        match tokio::time::timeout(wait::LIMIT, lines.recv()).await {
            Ok(Some(())) => Ok(started),
            _ => bail!("{command:?} did not start:\n{}", started.log()),
        }
    }

    pub(super) fn log(&self) -> String {
        self.log.lock().map(|log| log.clone()).unwrap_or_default()
    }

    /// SIGKILL, and waits until it is gone.
    pub(super) async fn kill(&mut self) -> Result<()> {
        self.child.start_kill()?;
        self.child.wait().await?;
        Ok(())
    }

    /// SIGTERM, and waits for its end.
    pub(super) async fn stop(&mut self) -> Result<()> {
        self.signal("TERM").await?;
        tokio::time::timeout(wait::LIMIT, self.child.wait()).await??;
        Ok(())
    }

    /// Any other signal, such as `STOP`.
    pub(super) async fn signal(&self, name: &str) -> Result<()> {
        let pid = self.child.id().context("it has ended")?;
        let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().await?;
        ensure!(sent.success(), "kill -{name} failed");
        if name == "STOP" {
            wait::until("all its threads to stop", || async { Ok(all_stopped(pid).then_some(())) }).await?;
        }
        Ok(())
    }
}

/// Whether none of its threads runs any more: a signal is sent sooner than each of them has seen it. True where `/proc`
/// is not as on Linux.
fn all_stopped(pid: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return true };
    threads.flatten().all(|thread| {
        let Ok(stat) = std::fs::read_to_string(thread.path().join("stat")) else { return true };
        stat.rsplit_once(") ").is_none_or(|(_, fields)| fields.starts_with('T'))
    })
}

async fn keep(from: impl AsyncRead + Unpin, ready: String, log: Arc<Mutex<String>>, said: mpsc::Sender<()>) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Ok(mut log) = log.lock() {
            log.push_str(&line);
            log.push('\n');
        }
        if line.contains(&ready) {
            // Once is enough; later ones find nobody.
            let _ = said.try_send(());
        }
    }
}

/// A port that is free now, and that no outgoing connection gets meanwhile: below the range that systems give to those.
/// No other call in this process answers the same one.
pub fn free_port() -> Result<u16> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut state = RandomState::new().hash_one(std::process::id());
    for _ in 0..1000 {
        let port = 10_000 + u16::try_from(state % 22_000)?;
        if !given.contains(&port) && std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            given.insert(port);
            return Ok(port);
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 1;
    }
    bail!("no port is free")
}
