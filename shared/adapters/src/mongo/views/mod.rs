//! Read models, summaries and their bookkeeping (what project and summarize write, and query reads).
//!
//! Its one law: a view moves by compare-and-set, and its effects are done exactly once, without a transaction.
//!
//! - `documents`: views and participations as documents
//! - `commit`: steps, participations and repairs
//! - `read`: lists and histories
//! - `summaries`: versions and gists; `retract`: both taken back
//! - `work`: leases, dead letters, checkpoints, the books; erasing

mod commit;
mod documents;
mod read;
mod retract;
mod summaries;
mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::{
    ConversationId, ConversationKey, Seq, Spend, SpendCap, SummaryVersion, TenantId, Timestamp, UserId, UtcDay, Version,
};
use shared::ports::{
    ArrivalMark, CasOutcome, ConversationRow, DeadLetter, Gist, GistKey, HistoryQuery, HistoryRow, IdSource, ListQuery,
    ProjectionStep, Span, StoreError, ViewStore,
};

use super::db::Db;
use super::schema;

/// Views in a database.
pub struct MongoViewStore {
    views: Arc<Views>,
}

struct Views {
    db: Arc<Db>,
    ids: Arc<dyn IdSource>,
    /// Since when no dead letter was seen.
    no_letters: Mutex<Option<Instant>>,
}

impl Views {
    /// A number that nobody else draws.
    fn nonce(&self) -> i64 {
        let random = self.ids.random();
        let mut half = [0; 8];
        half.copy_from_slice(&random[..8]);
        i64::from_be_bytes(half)
    }
}

impl MongoViewStore {
    pub(super) fn new(db: Arc<Db>, ids: Arc<dyn IdSource>) -> Self {
        Self { views: Arc::new(Views { db, ids, no_letters: Mutex::new(None) }) }
    }

    /// Runs work of several calls to its end, even when nobody waits for it any more.
    async fn run<T, F>(&self, work: impl FnOnce(Arc<Views>) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        tokio::spawn(work(Arc::clone(&self.views))).await.unwrap_or(Err(StoreError::Timeout))
    }
}

#[async_trait]
impl ViewStore for MongoViewStore {
    async fn conversations(&self, keys: &[ConversationKey]) -> Result<Vec<Option<ConversationRow>>, StoreError> {
        self.views.conversations(keys).await
    }

    async fn commit(&self, steps: Vec<ProjectionStep>) -> Result<Vec<CasOutcome>, StoreError> {
        self.run(|views| async move { views.commit(steps).await }).await
    }

    async fn replace(&self, step: ProjectionStep) -> Result<(), StoreError> {
        self.run(|views| async move { views.replace(step).await }).await
    }

    async fn list(&self, tenant: &TenantId, query: &ListQuery) -> Result<(Vec<ConversationRow>, u64), StoreError> {
        self.views.list(tenant, query).await
    }

    async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        query: &HistoryQuery,
    ) -> Result<(Vec<HistoryRow>, u64), StoreError> {
        self.views.history(tenant, user, query).await
    }

    async fn posted_in(
        &self,
        tenant: &TenantId,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        self.views.posted_in(tenant, user, after, limit).await
    }

    async fn messages(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        self.views.messages(tenant).await
    }

    async fn participants(&self, key: &ConversationKey) -> Result<u64, StoreError> {
        self.views.participants(key).await
    }

    async fn uncovered(
        &self,
        after: Option<&ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        self.views.uncovered(after, limit).await
    }

    async fn idle(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        self.views.idle(before, limit).await
    }

    async fn degraded(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        self.views.degraded(before, limit).await
    }

    async fn save_summary(
        &self,
        key: &ConversationKey,
        epoch: u64,
        previous: Version,
        summary: &SummaryVersion,
    ) -> Result<CasOutcome, StoreError> {
        let (key, summary) = (key.clone(), summary.clone());
        self.run(move |views| async move { views.save_summary(&key, epoch, previous, &summary).await }).await
    }

    async fn retract(&self, key: &ConversationKey, messages: &[Seq]) -> Result<Version, StoreError> {
        let (key, messages) = (key.clone(), messages.to_vec());
        self.run(move |views| async move { views.retract(&key, &messages).await }).await
    }

    async fn newest_summary(&self, key: &ConversationKey) -> Result<Option<SummaryVersion>, StoreError> {
        self.views.newest_summary(key).await
    }

    async fn summaries(
        &self,
        key: &ConversationKey,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<SummaryVersion>, u64), StoreError> {
        self.views.summaries(key, offset, limit).await
    }

    async fn gist(&self, conversation: &ConversationKey, key: &GistKey) -> Result<Option<Gist>, StoreError> {
        self.views.gist(conversation, key).await
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
        self.run(move |views| async move { views.save_gist(&conversation, epoch, &key, span, &gist).await }).await
    }

    async fn lease(
        &self,
        key: &ConversationKey,
        owner: &str,
        now: Timestamp,
        length: Duration,
    ) -> Result<bool, StoreError> {
        self.views.lease(key, owner, now, now.plus(length)).await
    }

    async fn release(&self, key: &ConversationKey, owner: &str) -> Result<(), StoreError> {
        self.views.release(key, owner).await
    }

    async fn reserve(&self, tenant: &TenantId, day: UtcDay, hold: Spend, cap: &SpendCap) -> Result<bool, StoreError> {
        self.views.reserve(tenant, day, hold, cap).await
    }

    async fn settle(&self, tenant: &TenantId, day: UtcDay, held: Spend, spent: Spend) -> Result<(), StoreError> {
        let tenant = tenant.clone();
        self.run(move |views| async move { views.settle(&tenant, day, held, spent).await }).await
    }

    async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<Spend, StoreError> {
        self.views.spent(tenant, day).await
    }

    async fn erase(&self, key: &ConversationKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.run(move |views| async move { views.erase(&key).await }).await
    }

    async fn checkpoint(&self, reader: &str) -> Result<ArrivalMark, StoreError> {
        self.views.checkpoint(reader).await
    }

    async fn save_checkpoint(&self, reader: &str, mark: &ArrivalMark) -> Result<(), StoreError> {
        self.views.save_checkpoint(reader, mark).await
    }

    async fn failed(&self, letter: &DeadLetter) -> Result<u32, StoreError> {
        self.views.failed(letter).await
    }

    async fn succeeded(&self, key: &ConversationKey) -> Result<(), StoreError> {
        self.views.succeeded(key).await
    }

    async fn dead_letters(&self, attempts: u32, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        self.views.dead_letters(attempts, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(schema::ready(&self.views.db).await?)
    }
}
