//! `views.db`: read models, summaries and their bookkeeping (what project and summarize write, and query reads).
//!
//! Its one law: a view moves by compare-and-set, in one commit with its effect.
//!
//! Views are rebuilt from the log, so their commits do not wait for the disk. Summaries, gists, dead letters and
//! erasures do: before such a commit the one connection is switched to `synchronous = FULL`. That is enough, and one
//! file is simpler than two: commits stand in one write-ahead log, so syncing it makes all before durable too, and
//! a crash of the machine loses the newest views only, never a part in between. A lease needs no disk: when the
//! machine stops, so do all who could hold one.

mod commit;
mod read;
mod rows;
pub(super) mod schema;
mod spend;
mod summaries;
mod work;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;
use shared::domain::{
    ConversationId, ConversationKey, Seq, Spend, SpendCap, SummaryVersion, TenantId, Timestamp, UserId, UtcDay, Version,
};
use shared::ports::{
    ArrivalMark, CasOutcome, ConversationRow, DeadLetter, Gist, GistKey, HistoryQuery, HistoryRow, ListQuery,
    ProjectionStep, Span, StoreError, ViewStore,
};

use super::checkpoint::Checkpointer;
use super::connection::{self, Durability};
use super::failure::Stopped;
use super::folder::FolderLock;
use super::format::FormatError;
use super::group_writer::GroupWriter;
use super::read_pool::{ReadPool, readers};

/// Memory of the writing connection for pages.
const CACHE_KIB: u32 = 8 * 1024;

/// The embedded views.
pub struct SqliteViewStore {
    writer: GroupWriter,
    readers: ReadPool,
    /// How many dead letters there are, so that success costs nothing while there are none.
    letters: Arc<AtomicU64>,
    lock: Option<Arc<FolderLock>>,
}

impl SqliteViewStore {
    /// Opens `views.db` in a folder, makes it if it is not there. The folder's lock is the caller's.
    pub fn open(folder: &Path) -> Result<Self, FormatError> {
        let path = folder.join("views.db");
        let failed = FormatError::sqlite(&path);
        schema::FORMAT.check(&path)?;
        let mut connection = connection::writer(&path, Durability::Machine, CACHE_KIB).map_err(&failed)?;
        schema::FORMAT.migrate(&mut connection, &path)?;
        let letters = work::letters(&connection).map_err(&failed)?;
        let thread = |source| FormatError::Thread { file: path.clone(), source };
        let checkpointer = Checkpointer::start("views", path.clone()).map_err(thread)?;
        let writer = GroupWriter::start("views", connection, checkpointer).map_err(thread)?;
        let readers = ReadPool::new(&path, readers());
        Ok(Self { writer, readers, letters: Arc::new(AtomicU64::new(letters)), lock: None })
    }

    /// Keeps the folder as long as this is open.
    pub(crate) fn hold(&mut self, lock: Arc<FolderLock>) {
        self.lock = Some(lock);
    }

    /// Refuses further work, commits what waits, and brings the write-ahead log back into the file. Blocks.
    pub fn close(&self) {
        self.readers.close();
        self.writer.close();
    }
}

fn unwritable(error: serde_json::Error) -> StoreError {
    StoreError::corrupt("a value that cannot be written as JSON", error)
}

#[async_trait]
impl ViewStore for SqliteViewStore {
    async fn conversations(&self, keys: &[ConversationKey]) -> Result<Vec<Option<ConversationRow>>, StoreError> {
        let keys = keys.to_vec();
        self.readers.read("conversations", move |db| read::conversations(db, &keys)).await
    }

    async fn commit(&self, steps: Vec<ProjectionStep>) -> Result<Vec<CasOutcome>, StoreError> {
        let steps: Result<Vec<_>, _> = steps.into_iter().map(commit::Prepared::new).collect();
        let steps = steps.map_err(unwritable)?;
        let whole = steps.iter().any(commit::Prepared::is_whole);
        let work = move |db: &_| steps.iter().map(|step| commit::commit(db, step)).collect();
        let outcomes = self.writer.write("project", Durability::Process, work).await?;
        if whole {
            // The views before may have held words of what was edited or erased.
            self.writer.scrub();
        }
        Ok(outcomes)
    }

    async fn replace(&self, step: ProjectionStep) -> Result<(), StoreError> {
        let step = commit::Prepared::new(step).map_err(unwritable)?;
        self.writer.write("replace", Durability::Process, move |db| commit::replace(db, &step)).await
    }

    async fn list(&self, tenant: &TenantId, query: &ListQuery) -> Result<(Vec<ConversationRow>, u64), StoreError> {
        let (tenant, query) = (tenant.clone(), query.clone());
        self.readers.read("list", move |db| read::list(db, &tenant, &query)).await
    }

    async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        query: &HistoryQuery,
    ) -> Result<(Vec<HistoryRow>, u64), StoreError> {
        let (tenant, user, query) = (tenant.clone(), user.clone(), *query);
        self.readers.read("history", move |db| read::history(db, &tenant, &user, &query)).await
    }

    async fn posted_in(
        &self,
        tenant: &TenantId,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let (tenant, user, after) = (tenant.clone(), user.clone(), after.cloned());
        let reading = move |connection: &Connection| read::posted_in(connection, &tenant, &user, after.as_ref(), limit);
        self.readers.read("posted_in", reading).await
    }

    async fn participants(&self, key: &ConversationKey) -> Result<u64, StoreError> {
        let key = key.clone();
        self.readers.read("participants", move |db| read::participants(db, &key)).await
    }

    async fn messages(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let tenant = tenant.clone();
        self.readers.read("messages", move |db| read::messages(db, &tenant)).await
    }

    async fn uncovered(
        &self,
        after: Option<&ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        let after = after.cloned();
        self.readers.read("uncovered", move |db| read::uncovered(db, after.as_ref(), limit)).await
    }

    async fn idle(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        self.readers.read("idle", move |db| read::idle(db, before, limit)).await
    }

    async fn degraded(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        self.readers.read("degraded", move |db| read::degraded(db, before, limit)).await
    }

    async fn save_summary(
        &self,
        key: &ConversationKey,
        epoch: u64,
        previous: Version,
        summary: &SummaryVersion,
    ) -> Result<CasOutcome, StoreError> {
        let summary = summaries::Prepared::new(key, epoch, previous, summary).map_err(unwritable)?;
        self.writer.write("save_summary", Durability::Machine, move |db| summaries::save(db, &summary)).await
    }

    async fn retract(&self, key: &ConversationKey, messages: &[Seq]) -> Result<Version, StoreError> {
        let (key, mut messages) = (key.clone(), messages.to_vec());
        messages.sort_unstable();
        let work = move |db: &_| summaries::retract(db, &key, &messages);
        let newest = self.writer.write("retract", Durability::Machine, work).await?;
        self.writer.scrub();
        Ok(newest)
    }

    async fn newest_summary(&self, key: &ConversationKey) -> Result<Option<SummaryVersion>, StoreError> {
        let key = key.clone();
        self.readers.read("newest_summary", move |db| summaries::newest(db, &key)).await
    }

    async fn summaries(
        &self,
        key: &ConversationKey,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<SummaryVersion>, u64), StoreError> {
        let key = key.clone();
        self.readers.read("summaries", move |db| summaries::versions(db, &key, offset, limit)).await
    }

    async fn gist(&self, conversation: &ConversationKey, key: &GistKey) -> Result<Option<Gist>, StoreError> {
        let (conversation, key) = (conversation.clone(), key.clone());
        self.readers.read("gist", move |db| summaries::gist(db, &conversation, &key)).await
    }

    async fn save_gist(
        &self,
        conversation: &ConversationKey,
        epoch: u64,
        key: &GistKey,
        span: Span,
        gist: &Gist,
    ) -> Result<(), StoreError> {
        let (conversation, key, gist) = (conversation.clone(), key.clone(), gist.clone());
        let work = move |db: &_| summaries::save_gist(db, &conversation, epoch, &key, span, &gist);
        self.writer.write("save_gist", Durability::Machine, work).await
    }

    async fn lease(
        &self,
        key: &ConversationKey,
        owner: &str,
        now: Timestamp,
        length: Duration,
    ) -> Result<bool, StoreError> {
        let (key, owner, until) = (key.clone(), owner.to_owned(), now.plus(length));
        let work = move |db: &_| work::lease(db, &key, &owner, now, until);
        self.writer.write("lease", Durability::Process, work).await
    }

    async fn release(&self, key: &ConversationKey, owner: &str) -> Result<(), StoreError> {
        let (key, owner) = (key.clone(), owner.to_owned());
        self.writer.write("release", Durability::Process, move |db| work::release(db, &key, &owner)).await
    }

    async fn reserve(&self, tenant: &TenantId, day: UtcDay, hold: Spend, cap: &SpendCap) -> Result<bool, StoreError> {
        let (tenant, cap) = (tenant.clone(), *cap);
        let work = move |db: &_| spend::reserve(db, &tenant, day, hold, &cap);
        self.writer.write("reserve", Durability::Machine, work).await
    }

    async fn settle(&self, tenant: &TenantId, day: UtcDay, held: Spend, spent: Spend) -> Result<(), StoreError> {
        let tenant = tenant.clone();
        let work = move |db: &_| spend::settle(db, &tenant, day, held, spent);
        self.writer.write("settle", Durability::Machine, work).await
    }

    async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<Spend, StoreError> {
        let tenant = tenant.clone();
        self.readers.read("spent", move |db| spend::spent(db, &tenant, day)).await
    }

    async fn erase(&self, key: &ConversationKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.writer.write("erase", Durability::Machine, move |db| work::erase(db, &key)).await?;
        self.writer.scrub();
        Ok(())
    }

    async fn checkpoint(&self, reader: &str) -> Result<ArrivalMark, StoreError> {
        let reader = reader.to_owned();
        self.readers.read("checkpoint", move |db| work::checkpoint(db, &reader)).await
    }

    async fn save_checkpoint(&self, reader: &str, mark: &ArrivalMark) -> Result<(), StoreError> {
        let (reader, mark) = (reader.to_owned(), mark.clone());
        let work = move |db: &_| work::save_checkpoint(db, &reader, &mark);
        self.writer.write("save_checkpoint", Durability::Process, work).await
    }

    async fn failed(&self, letter: &DeadLetter) -> Result<u32, StoreError> {
        let (letter, letters) = (letter.clone(), Arc::clone(&self.letters));
        let work = move |db: &_| {
            let attempts = work::failed(db, &letter)?;
            letters.store(work::letters(db)?, Ordering::Release);
            Ok(attempts)
        };
        let attempts = self.writer.write("failed", Durability::Machine, work).await?;
        Ok(u32::try_from(attempts).unwrap_or(u32::MAX))
    }

    async fn succeeded(&self, key: &ConversationKey) -> Result<(), StoreError> {
        if self.letters.load(Ordering::Acquire) == 0 {
            return Ok(());
        }
        let (key, letters) = (key.clone(), Arc::clone(&self.letters));
        let work = move |db: &_| {
            letters.store(work::succeeded(db, &key)?, Ordering::Release);
            Ok(())
        };
        self.writer.write("succeeded", Durability::Process, work).await
    }

    async fn dead_letters(&self, attempts: u32, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        self.readers.read("dead_letters", move |db| work::dead_letters(db, attempts, limit)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        if self.writer.poisoned() {
            return Err(Stopped::Poisoned.into());
        }
        self.readers.read("ping", |db| db.query_row("SELECT 1", [], |_| Ok(()))).await
    }
}
