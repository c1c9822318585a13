//! The one thread that writes `log.db`. Law: nobody is answered before the commit that holds his batch is on the
//! disk, and a commit that failed is the last one.
//!
//! While one commit waits for the disk, further calls queue up; the next commit takes them all (group commit). A call
//! that comes alone is committed alone, at once; under load a commit waits a little for its [`Crowd`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use shared::domain::ConversationKey;
use shared::ports::store_error::Source;
use shared::ports::{Append, AppendError, Appended, StoreError};
use tokio::sync::oneshot;

use super::append::Appender;
use super::crowd::{Begun, Crowd};
use super::erase;
use crate::sqlite::checkpoint::Checkpoints;
use crate::sqlite::failure::Stopped;

/// Outcomes of one call of `append`.
pub(super) type Outcomes = Vec<Result<Appended, AppendError>>;

/// Bytes of text that one commit takes at most, so that the first in it does not wait long for the last.
const COMMIT_BYTES: usize = 16 * 1024 * 1024;

/// Work for the writer.
pub(super) enum Job {
    Append { batches: Vec<Append>, bytes: usize, reply: oneshot::Sender<Outcomes> },
    Erase { key: ConversationKey, reply: oneshot::Sender<Result<bool, StoreError>> },
    Erased { key: ConversationKey, reply: oneshot::Sender<Result<(), StoreError>> },
}

/// What the callers' side and the writer know of each other.
#[derive(Default)]
pub(super) struct State {
    /// A commit failed: nothing is written any more.
    pub(super) poisoned: AtomicBool,
    /// Bytes of text that wait.
    pub(super) waiting: AtomicUsize,
    /// Batches that wait.
    pub(super) crowd: Crowd,
}

/// What a job came to, told only after the commit.
enum Answer {
    Append(Outcomes),
    Erase(bool),
    Erased,
}

/// A transaction that was not committed, or perhaps was.
struct Failure {
    error: rusqlite::Error,
    in_commit: bool,
}

/// The thread's own state.
pub(super) struct Writer<'c> {
    connection: &'c Connection,
    appender: Appender<'c>,
    checkpoints: Checkpoints,
    state: Arc<State>,
    /// Whether erased conversations still have records.
    sweeping: bool,
    /// Whether the running transaction drops texts.
    scrubs: bool,
    /// The last commit, if it held more than one batch.
    last: Option<Begun>,
}

impl<'c> Writer<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        checkpoints: Checkpoints,
        state: Arc<State>,
    ) -> rusqlite::Result<Self> {
        let appender = Appender::new(connection)?;
        Ok(Self { connection, appender, checkpoints, state, sweeping: true, scrubs: false, last: None })
    }

    /// Serves until all callers have gone.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Some(first) = self.first(jobs) {
            if let Some(last) = &self.last {
                self.state.crowd.gather(last);
            }
            let group = gather(first, jobs);
            let batches: usize = group.iter().map(Job::batches).sum();
            self.state.crowd.left(batches);
            self.last = (batches > 1).then(|| Begun { at: Instant::now(), batches });
            self.serve(group);
            if !self.sweeping {
                self.scrubbed();
            }
            self.checkpoints.help(self.connection);
        }
    }

    /// The next job. While erased records remain, they go in small steps whenever nothing else is to be done.
    fn first(&mut self, jobs: &Receiver<Job>) -> Option<Job> {
        loop {
            if !self.sweeping || self.state.poisoned.load(Ordering::Acquire) {
                return jobs.recv().ok();
            }
            match jobs.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            match self.transaction(|writer| erase::sweep(writer.connection)) {
                Ok(true) => self.scrubs = true,
                Ok(false) => {
                    self.sweeping = false;
                    self.scrubbed();
                }
                Err(failure) => {
                    tracing::warn!(error = %failure.error, "erased records could not be removed; it will be tried again");
                    match jobs.recv_timeout(Duration::from_secs(1)) {
                        Ok(job) => return Some(job),
                        Err(RecvTimeoutError::Disconnected) => return None,
                        Err(RecvTimeoutError::Timeout) => {}
                    }
                }
            }
        }
    }

    fn serve(&mut self, group: Vec<Job>) {
        let bytes: usize = group.iter().map(Job::bytes).sum();
        self.state.waiting.fetch_sub(bytes, Ordering::AcqRel);
        if self.state.poisoned.load(Ordering::Acquire) {
            let source: Source = Arc::new(Stopped::Poisoned);
            for job in group {
                job.fail(&source, false);
            }
            return;
        }
        metrics::histogram!("recap_append_batch_size").record(group.iter().map(Job::batches).sum::<usize>() as f64);
        let started = Instant::now();
        let result = self.transaction(|writer| {
            let answers: rusqlite::Result<Vec<_>> = group.iter().map(|job| writer.work(job)).collect();
            writer.appender.before_commit()?;
            answers
        });
        metrics::histogram!("recap_store_query_duration_seconds", "op" => "commit").record(started.elapsed());
        match result {
            Ok(answers) => group.into_iter().zip(answers).for_each(|(job, answer)| job.confirm(answer)),
            Err(failure) => {
                tracing::error!(error = %failure.error, in_commit = failure.in_commit, "writing the log failed");
                let source: Source = Arc::new(failure.error);
                for job in group {
                    job.fail(&source, failure.in_commit);
                }
            }
        }
    }

    /// Texts were dropped: they are to leave the write-ahead log too.
    fn scrubbed(&mut self) {
        if std::mem::take(&mut self.scrubs) {
            self.checkpoints.scrub();
        }
    }

    fn work(&mut self, job: &Job) -> rusqlite::Result<Answer> {
        match job {
            Job::Append { batches, .. } => {
                self.scrubs |= batches.iter().any(changes);
                let outcomes: rusqlite::Result<Outcomes> =
                    batches.iter().map(|batch| self.appender.append(batch)).collect();
                outcomes.map(Answer::Append)
            }
            Job::Erase { key, .. } => {
                let erased = erase::unlink(self.connection, key, self.appender.next_arrival())?;
                self.appender.heads().gone(key);
                self.sweeping |= erased;
                self.scrubs |= erased;
                Ok(Answer::Erase(erased))
            }
            Job::Erased { key, .. } => {
                erase::forget(self.connection, key)?;
                Ok(Answer::Erased)
            }
        }
    }

    fn transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> rusqlite::Result<T>) -> Result<T, Failure> {
        let before = |error| Failure { error, in_commit: false };
        let begun = self.connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([]));
        begun.map_err(before)?;
        let value = match work(self) {
            Ok(value) => value,
            Err(error) => {
                self.roll_back();
                return Err(before(error));
            }
        };
        let committed = self.connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        if let Err(error) = committed {
            // A full disk is found out while writing, before any sync. After a failed sync nobody knows what the
            // disk holds, so nothing is built on it.
            if error.sqlite_error_code() != Some(rusqlite::ErrorCode::DiskFull) {
                self.state.poisoned.store(true, Ordering::Release);
            }
            self.roll_back();
            return Err(Failure { error, in_commit: true });
        }
        Ok(value)
    }

    fn roll_back(&mut self) {
        let mut result = Ok(());
        if !self.connection.is_autocommit() {
            result = self.connection.execute_batch("ROLLBACK");
        }
        if let Err(error) = result.and_then(|()| self.appender.reload()) {
            tracing::error!(%error, "the log could not be rolled back");
            self.state.poisoned.store(true, Ordering::Release);
        }
    }
}

/// Whether a batch changes messages.
fn changes(batch: &Append) -> bool {
    batch.entries.first().is_some_and(|entry| entry.target().is_some())
}

/// Takes what waits, up to the size of a commit.
fn gather(first: Job, jobs: &Receiver<Job>) -> Vec<Job> {
    let mut bytes = first.bytes();
    let mut group = vec![first];
    while bytes < COMMIT_BYTES
        && let Ok(job) = jobs.try_recv()
    {
        bytes += job.bytes();
        group.push(job);
    }
    group
}

impl Job {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append { bytes, .. } => *bytes,
            Self::Erase { .. } | Self::Erased { .. } => 0,
        }
    }

    pub(super) fn batches(&self) -> usize {
        match self {
            Self::Append { batches, .. } => batches.len(),
            Self::Erase { .. } | Self::Erased { .. } => 0,
        }
    }

    // A caller that has gone does not hear the answer; what was committed stands.
    fn confirm(self, answer: Answer) {
        match (self, answer) {
            (Self::Append { reply, .. }, Answer::Append(outcomes)) => drop(reply.send(outcomes)),
            (Self::Erase { reply, .. }, Answer::Erase(erased)) => drop(reply.send(Ok(erased))),
            (Self::Erased { reply, .. }, Answer::Erased) => drop(reply.send(Ok(()))),
            (job, _) => tracing::error!(bytes = job.bytes(), "an answer did not fit its question"),
        }
    }

    fn fail(self, source: &Source, in_commit: bool) {
        let store = || StoreError::Unavailable(Arc::clone(source));
        match self {
            Self::Append { batches, reply, .. } => {
                let error = || {
                    let source = Some(Arc::clone(source));
                    if in_commit { AppendError::Unknown(source) } else { AppendError::Unavailable(source) }
                };
                drop(reply.send(batches.iter().map(|_| Err(error())).collect()));
            }
            Self::Erase { reply, .. } => drop(reply.send(Err(store()))),
            Self::Erased { reply, .. } => drop(reply.send(Err(store()))),
        }
    }
}
