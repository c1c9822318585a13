//! One writing thread for work of many kinds behind the requests, to which it gives way. Law: who waits is served in
//! order, together, by one commit that is as durable as the most demanding of them asks; a failing piece of work does
//! not take the others with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode};
use shared::ports::StoreError;
use tokio::sync::{mpsc, oneshot};

use super::checkpoint::{self, Checkpointer, Checkpoints};
use super::connection::Durability;
use super::failure::{Stopped, store_error};
use crate::system::give_way;

/// Pieces of work that may wait.
const WAITING: usize = 1024;
/// Pieces of work in one commit at most.
const GROUP: usize = 256;
/// How long work waits for its place in the queue.
const WAIT: Duration = Duration::from_secs(5);

trait Work: Send {
    fn durability(&self) -> Durability;
    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    fn confirm(self: Box<Self>);
    fn fail(self: Box<Self>, error: StoreError);
}

struct Task<T, F> {
    durability: Durability,
    work: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnMut(&Connection) -> rusqlite::Result<T> + Send> Work for Task<T, F> {
    fn durability(&self) -> Durability {
        self.durability
    }

    fn run(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.value = Some((self.work)(connection)?);
        Ok(())
    }

    // A caller that has gone does not hear the answer; what was committed stands.
    fn confirm(self: Box<Self>) {
        if let Some(value) = self.value {
            drop(self.reply.send(Ok(value)));
        }
    }

    fn fail(self: Box<Self>, error: StoreError) {
        drop(self.reply.send(Err(error)));
    }
}

/// The callers' side.
pub(super) struct GroupWriter {
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Work>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    poisoned: Arc<AtomicBool>,
    checkpoints: Checkpoints,
}

impl GroupWriter {
    /// Starts the thread.
    pub(super) fn start(name: &str, mut connection: Connection, checkpointer: Checkpointer) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(WAITING);
        let poisoned = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&poisoned);
        let checkpoints = checkpointer.checkpoints();
        let thread = std::thread::Builder::new().name(format!("{name}-writer")).spawn(move || {
            give_way();
            if let Err(error) = checkpointer.checkpoints().watch(&mut connection) {
                tracing::warn!(%error, "the write-ahead log's length is not watched");
            }
            let durability = Durability::Machine;
            let mut serving = Serving { connection, checkpointer, durability, poisoned: theirs };
            serving.run(queue);
            drop(serving.checkpointer);
            if let Err(error) = checkpoint::finish(&serving.connection) {
                tracing::warn!(%error, "the last checkpoint failed; it will be made at the next start");
            }
        })?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)), poisoned, checkpoints })
    }

    /// Does work within a transaction; answers after the commit. Work may run twice, in different transactions of
    /// which only one is committed.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        op: &'static str,
        durability: Durability,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Task { durability, work, value: None, reply });
        let jobs = self.jobs.lock().clone().ok_or(Stopped::Closed)?;
        match tokio::time::timeout(WAIT, jobs.reserve_owned()).await {
            Ok(Ok(place)) => drop(place.send(job)),
            Ok(Err(_)) => return Err(Stopped::Closed.into()),
            Err(_) => return Err(StoreError::Timeout),
        }
        let result = answer.await.unwrap_or_else(|_| Err(Stopped::Closed.into()));
        metrics::histogram!("recap_store_query_duration_seconds", "op" => op).record(started.elapsed());
        result
    }

    /// What was deleted so far leaves the write-ahead log too, soon.
    pub(super) fn scrub(&self) {
        self.checkpoints.scrub();
    }

    /// Whether a commit has failed for good.
    pub(super) fn poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    /// Refuses further work, does what waits, and ends the thread. Blocks.
    pub(super) fn close(&self) {
        self.jobs.lock().take();
        if let Some(thread) = self.thread.lock().take() {
            // A thread that panicked has dropped its callers' answers already.
            let _ = thread.join();
        }
    }
}

impl Drop for GroupWriter {
    fn drop(&mut self) {
        self.close();
    }
}

struct Serving {
    connection: Connection,
    checkpointer: Checkpointer,
    durability: Durability,
    poisoned: Arc<AtomicBool>,
}

impl Serving {
    fn run(&mut self, mut queue: mpsc::Receiver<Box<dyn Work>>) {
        while let Some(first) = queue.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(job) = queue.try_recv()
            {
                group.push(job);
            }
            self.serve(group);
            self.checkpointer.checkpoints().help(&self.connection);
        }
    }

    fn serve(&mut self, mut group: Vec<Box<dyn Work>>) {
        match self.transaction(&mut group) {
            Ok(()) => group.into_iter().for_each(Work::confirm),
            Err(error) if group.len() == 1 => {
                for job in group {
                    job.fail(error.clone());
                }
            }
            // One of them is to blame: each on its own.
            Err(_) => {
                for job in group {
                    self.serve(vec![job]);
                }
            }
        }
    }

    fn transaction(&mut self, group: &mut [Box<dyn Work>]) -> Result<(), StoreError> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(Stopped::Poisoned.into());
        }
        let demanding = group.iter().any(|job| job.durability() == Durability::Machine);
        let durability = if demanding { Durability::Machine } else { Durability::Process };
        let run = |sql| self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        let mut result = Ok(());
        if durability != self.durability {
            result = self.connection.execute_batch(durability.pragma());
        }
        result.map_err(store_error)?;
        self.durability = durability;
        run("BEGIN IMMEDIATE").map_err(store_error)?;
        let done = group.iter_mut().try_for_each(|job| job.run(&self.connection));
        if let Err(error) = done {
            self.roll_back();
            return Err(store_error(error));
        }
        if let Err(error) = run("COMMIT") {
            // As in the log: after a failed sync nothing is built on what the disk may or may not hold.
            if error.sqlite_error_code() != Some(ErrorCode::DiskFull) {
                self.poisoned.store(true, Ordering::Release);
            }
            self.roll_back();
            return Err(store_error(error));
        }
        Ok(())
    }

    fn roll_back(&self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::error!(%error, "a transaction could not be rolled back");
            self.poisoned.store(true, Ordering::Release);
        }
    }
}
