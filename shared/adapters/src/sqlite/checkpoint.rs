//! The write-ahead log brought back into its file. Law: the writer never pays for it while the backlog is small,
//! and the backlog is bounded.
//!
//! A thread of its own makes passive checkpoints, which hold up nobody. Under steady writing these never reach the
//! log's end, and only a log that was brought back whole is written from its start again. So beyond
//! [`LIMIT_PAGES`] the writer itself does the short rest between two commits.
//!
//! After an erasure the log still holds pages with what was erased. Then the thread empties it: it asks for the moment
//! in which nobody reads older pages, waits for it a little, and tries again until it was there.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use super::connection::{self, Durability};

/// Pages in the write-ahead log from which on the thread works: 16 MiB.
const START_PAGES: u64 = 4096;
/// Pages from which on the writer helps: 64 MiB.
const LIMIT_PAGES: u64 = 16_384;

/// How long the moment in which nobody reads old pages is waited for; writers wait as long.
const MOMENT: Duration = Duration::from_millis(20);
/// Between two such waits.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Backlog {
    pages: u64,
    /// Below this many pages the thread rests.
    next: u64,
    /// The log is to be emptied.
    scrub: bool,
    stop: bool,
}

/// What writer and checkpointer tell each other.
#[derive(Clone)]
pub(crate) struct Checkpoints {
    shared: Arc<(Mutex<Backlog>, Condvar)>,
}

/// The thread, to be joined.
pub(crate) struct Checkpointer {
    checkpoints: Checkpoints,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread for a file.
    pub(crate) fn start(name: &str, path: PathBuf) -> std::io::Result<Self> {
        let backlog = Backlog { pages: 0, next: START_PAGES, scrub: false, stop: false };
        let checkpoints = Checkpoints { shared: Arc::new((Mutex::new(backlog), Condvar::new())) };
        let theirs = checkpoints.clone();
        let thread = std::thread::Builder::new().name(format!("{name}-checkpoint")).spawn(move || theirs.run(path))?;
        Ok(Self { checkpoints, thread: Some(thread) })
    }

    /// The writer's side.
    pub(crate) fn checkpoints(&self) -> Checkpoints {
        self.checkpoints.clone()
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        let (backlog, wake) = &*self.checkpoints.shared;
        backlog.lock().stop = true;
        wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to say here.
            let _ = thread.join();
        }
    }
}

impl Checkpoints {
    /// Learns after each commit how long the write-ahead log is.
    pub(crate) fn watch(&self, writer: &mut Connection) -> rusqlite::Result<()> {
        let shared = Arc::clone(&self.shared);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int| {
            let (backlog, wake) = &*shared;
            let mut backlog = backlog.lock();
            let pages = u64::try_from(pages).unwrap_or(0);
            if pages < backlog.pages {
                backlog.next = START_PAGES;
            }
            backlog.pages = pages;
            if pages >= backlog.next {
                wake.notify_one();
            }
            Ok(())
        }))
    }

    /// To be called by the writer between two transactions: does the rest when the thread cannot keep up.
    pub(crate) fn help(&self, writer: &Connection) {
        if self.shared.0.lock().pages < LIMIT_PAGES {
            return;
        }
        if let Err(error) = passive(writer) {
            tracing::warn!(%error, "checkpoint failed; it will be tried again");
        }
    }

    /// What was deleted so far is to leave the log too. Answers at once.
    pub(crate) fn scrub(&self) {
        let (backlog, wake) = &*self.shared;
        backlog.lock().scrub = true;
        wake.notify_one();
    }

    fn run(&self, path: PathBuf) {
        let connection = match connection::writer(&path, Durability::Machine, 256) {
            Ok(connection) => connection,
            Err(error) => {
                tracing::error!(%error, "no connection for checkpoints; the writer makes them");
                return;
            }
        };
        drop(path);
        while self.wait() {
            if let Err(error) = passive(&connection) {
                tracing::warn!(%error, "checkpoint failed; it will be tried again");
            }
            self.empty(&connection);
            let mut backlog = self.shared.0.lock();
            backlog.next = backlog.pages + START_PAGES;
        }
    }

    /// Empties the log, if that was asked for.
    fn empty(&self, connection: &Connection) {
        if !std::mem::take(&mut self.shared.0.lock().scrub) {
            return;
        }
        let emptied = connection.busy_timeout(MOMENT).and_then(|()| truncate(connection));
        match emptied {
            Ok(true) => {}
            Ok(false) => self.shared.0.lock().scrub = true,
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log is not empty; it will be tried again");
                self.shared.0.lock().scrub = true;
            }
        }
    }

    fn wait(&self) -> bool {
        let (backlog, wake) = &*self.shared;
        let mut backlog = backlog.lock();
        if backlog.scrub && !backlog.stop {
            // Somebody reads, or has just asked.
            wake.wait_for(&mut backlog, PAUSE);
            return !backlog.stop;
        }
        while !backlog.stop && backlog.pages < backlog.next && !backlog.scrub {
            wake.wait(&mut backlog);
        }
        !backlog.stop
    }
}

/// Brings back what no reader holds, waiting for nobody.
fn passive(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |_| Ok(()))
}

/// Brings everything back and empties the write-ahead log, at the end.
pub(crate) fn finish(connection: &Connection) -> rusqlite::Result<()> {
    truncate(connection).map(|_| ())
}

/// Brings everything back and empties the write-ahead log. Answers false where somebody still reads old pages.
fn truncate(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}
