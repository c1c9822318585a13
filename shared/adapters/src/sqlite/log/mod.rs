//! `log.db`: the log of all conversations, the truth (append, and what project and query read).
//!
//! Its one law: an answered batch is on the disk, and seqs have no holes.
//!
//! - `schema`: the tables, and why they are so
//! - `writer`, `crowd`: the one thread that writes, with group commit, and when it begins
//! - `append`, `repost`, `idempotency`, `heads`, `insert`: one batch checked and inserted; `change`: messages edited and
//!   erased
//! - `erase`: a conversation taken away
//! - `read`, `page`, `runs`, `arrivals`, `written`: what readers ask

mod append;
mod arrivals;
mod change;
mod crowd;
mod erase;
mod heads;
mod idempotency;
mod insert;
mod page;
mod read;
mod repost;
mod rows;
mod runs;
pub(super) mod schema;
mod writer;
mod written;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::Connection;
use shared::domain::{ConversationKey, Record, Seq, TenantId, Timestamp, UserId};
use shared::ports::{
    Append, AppendError, Appended, ArrivalMark, Arrivals, ConversationMark, Conversations, Entry, Head, MessageLog,
    Page, PageQuery, StoreError, Written, WrittenMark,
};
use tokio::sync::oneshot;

use super::checkpoint::{self, Checkpointer};
use super::connection::{self, Durability};
use super::failure::Stopped;
use super::folder::FolderLock;
use super::format::FormatError;
use super::read_pool::{ReadPool, readers};
use writer::{Job, State, Writer};

/// Calls that may wait for the writer.
const WAITING_JOBS: usize = 4096;
/// Calls of one lane among them.
const CALLS_AT_ONCE: usize = 256;
/// Bytes of text that may wait for the writer.
const WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Memory of the writing connection for pages.
const CACHE_KIB: u32 = 16 * 1024;

/// The embedded log.
pub struct SqliteMessageLog {
    jobs: Mutex<Option<SyncSender<Job>>>,
    state: Arc<State>,
    readers: ReadPool,
    writer: Mutex<Option<JoinHandle<()>>>,
    lock: Option<Arc<FolderLock>>,
}

impl SqliteMessageLog {
    /// Opens `log.db` in a folder, makes it if it is not there. The folder's lock is the caller's.
    pub fn open(folder: &Path) -> Result<Self, FormatError> {
        let path = folder.join("log.db");
        let failed = FormatError::sqlite(&path);
        schema::FORMAT.check(&path)?;
        let mut connection = connection::writer(&path, Durability::Machine, CACHE_KIB).map_err(&failed)?;
        schema::FORMAT.migrate(&mut connection, &path)?;
        let thread = |source| FormatError::Thread { file: path.clone(), source };
        let checkpointer = Checkpointer::start("log", path.clone()).map_err(thread)?;
        checkpointer.checkpoints().watch(&mut connection).map_err(&failed)?;
        let state = Arc::new(State::default());
        let (jobs, queue) = sync_channel(WAITING_JOBS);
        let theirs = Arc::clone(&state);
        let writer = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || serve(&connection, checkpointer, &theirs, &queue))
            .map_err(thread)?;
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            state,
            readers: ReadPool::new(&path, readers()),
            writer: Mutex::new(Some(writer)),
            lock: None,
        })
    }

    /// Keeps the folder as long as this is open.
    pub(crate) fn hold(&mut self, lock: Arc<FolderLock>) {
        self.lock = Some(lock);
    }

    /// Refuses further writes, commits those that wait, and brings the write-ahead log back into the file. Blocks.
    pub fn close(&self) {
        self.readers.close();
        self.jobs.lock().take();
        if let Some(writer) = self.writer.lock().take() {
            // A writer that panicked has dropped its callers' answers already.
            let _ = writer.join();
        }
    }

    fn send(&self, job: Job) -> Result<(), Stopped> {
        let bytes = job.bytes();
        if self.state.poisoned.load(Ordering::Acquire) {
            return Err(Stopped::Poisoned);
        }
        let batches = job.batches();
        let before = self.state.waiting.fetch_add(bytes, Ordering::AcqRel);
        let queued = self.state.crowd.joined(batches);
        let result = if before > WAITING_BYTES {
            Err(Stopped::Full)
        } else {
            match self.jobs.lock().as_ref().map(|jobs| jobs.try_send(job)) {
                Some(Ok(())) => Ok(()),
                Some(Err(TrySendError::Full(_))) => Err(Stopped::Full),
                Some(Err(TrySendError::Disconnected(_))) | None => Err(Stopped::Closed),
            }
        };
        if result.is_err() {
            self.state.waiting.fetch_sub(bytes, Ordering::AcqRel);
            self.state.crowd.left(batches);
        } else {
            self.state.crowd.wake(queued);
        }
        result
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Job) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(job(reply))?;
        answer.await.unwrap_or_else(|_| Err(Stopped::Closed.into()))
    }
}

impl Drop for SqliteMessageLog {
    fn drop(&mut self) {
        self.close();
    }
}

fn serve(connection: &Connection, checkpointer: Checkpointer, state: &Arc<State>, queue: &Receiver<Job>) {
    match Writer::new(connection, checkpointer.checkpoints(), Arc::clone(state)) {
        Ok(writer) => writer.run(queue),
        Err(error) => {
            state.poisoned.store(true, Ordering::Release);
            tracing::error!(%error, "the log cannot be written");
        }
    }
    drop(checkpointer);
    if let Err(error) = checkpoint::finish(connection) {
        tracing::warn!(%error, "the log's last checkpoint failed; it will be made at the next start");
    }
}

fn size(batches: &[Append]) -> usize {
    let entries = batches.iter().flat_map(|batch| &batch.entries);
    let text = entries.map(|entry| match entry {
        Entry::Posted(draft) => {
            draft.content.len() + draft.metadata.as_ref().map_or(0, |json| json.as_json().len()) + 64
        }
        Entry::Edited(edit) => edit.content.len() + edit.metadata.as_ref().map_or(0, |json| json.as_json().len()) + 64,
        Entry::Ended(_) | Entry::Erased(_) => 64,
    });
    text.sum()
}

#[async_trait]
impl MessageLog for SqliteMessageLog {
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let (reply, answer) = oneshot::channel();
        let (count, bytes) = (batches.len(), size(&batches));
        if let Err(stopped) = self.send(Job::Append { batches, bytes, reply }) {
            let source: shared::ports::store_error::Source = Arc::new(stopped);
            return (0..count).map(|_| Err(AppendError::Unavailable(Some(Arc::clone(&source))))).collect();
        }
        match answer.await {
            Ok(outcomes) => outcomes,
            // The writer ended without a word: it may have been committed.
            Err(_) => (0..count).map(|_| Err(AppendError::Unknown(None))).collect(),
        }
    }

    fn calls_at_once(&self) -> usize {
        CALLS_AT_ONCE
    }

    async fn read(&self, key: &ConversationKey, from: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let key = key.clone();
        self.readers.read("read", move |connection| read::from(connection, &key, from, limit)).await
    }

    async fn records(&self, places: &[(ConversationKey, Seq)]) -> Result<Vec<Option<Record>>, StoreError> {
        let places = places.to_vec();
        self.readers.read("records", move |connection| read::places(connection, &places)).await
    }

    async fn page(&self, key: &ConversationKey, query: &PageQuery) -> Result<Option<Page>, StoreError> {
        let (key, query) = (key.clone(), *query);
        self.readers.read("page", move |connection| page::page(connection, &key, &query)).await
    }

    async fn head(&self, key: &ConversationKey) -> Result<Option<Head>, StoreError> {
        let key = key.clone();
        self.readers.read("head", move |connection| read::head(connection, &key)).await
    }

    async fn arrivals(&self, mark: &ArrivalMark, limit: usize) -> Result<Arrivals, StoreError> {
        let mark = mark.clone();
        self.readers.read("arrivals", move |connection| arrivals::after(connection, &mark, limit)).await
    }

    async fn conversations(&self, after: &ConversationMark, limit: usize) -> Result<Conversations, StoreError> {
        let after = after.clone();
        self.readers.read("listing", move |connection| arrivals::conversations(connection, &after, limit)).await
    }

    async fn erase(&self, key: &ConversationKey) -> Result<bool, StoreError> {
        self.ask(|reply| Job::Erase { key: key.clone(), reply }).await
    }

    async fn erasures(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
        self.readers.read("erasures", move |connection| erase::pending(connection, limit)).await
    }

    async fn erased(&self, key: &ConversationKey) -> Result<(), StoreError> {
        self.ask(|reply| Job::Erased { key: key.clone(), reply }).await
    }

    async fn written(
        &self,
        tenant: &TenantId,
        user: &UserId,
        until: Timestamp,
        mark: &WrittenMark,
        limit: usize,
    ) -> Result<Written, StoreError> {
        let (tenant, user, mark) = (tenant.clone(), user.clone(), mark.clone());
        let looking = move |connection: &Connection| written::after(connection, &tenant, &user, until, &mark, limit);
        self.readers.read("written", looking).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        if self.state.poisoned.load(Ordering::Acquire) {
            return Err(Stopped::Poisoned.into());
        }
        self.readers.read("ping", |connection| connection.query_row("SELECT 1", [], |_| Ok(()))).await
    }
}
