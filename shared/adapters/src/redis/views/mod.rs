//! The newest summary of each conversation, kept in Redis beside the view store (query). Law: no reader is given an older
//! version after a newer one was announced, and Redis is never needed.
//!
//! - Before a version is stored, Redis is told to give and keep nothing below it; what a slow reader brings later is
//!   refused by the same number. So what was announced is not followed by anything older.
//! - Where Redis could not be told, those who hear the announcement take nothing older from it (`floors`), and what
//!   is there is gone within seconds.
//! - An erasure is a version above all. Versions taken back are below the next one, which nobody has made yet.
//!
//! Heads and views are not kept: they move with every message, and reads see what was acknowledged before them.

mod floors;
mod newest;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::{
    ConversationId, ConversationKey, Seq, Spend, SpendCap, SummaryVersion, TenantId, Timestamp, UserId, UtcDay, Version,
};
use shared::ports::{
    ArrivalMark, CasOutcome, ConversationRow, DeadLetter, EventBus, Gist, GistKey, HistoryQuery, HistoryRow, ListQuery,
    ProjectionStep, Span, StoreError, ViewStore,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::RedisLink;
use floors::Floors;
use newest::Newest;

/// A view store with the newest summaries at hand.
pub struct CachedViewStore {
    inner: Arc<dyn ViewStore>,
    newest: Newest,
    floors: Arc<Floors>,
    _listening: DropGuard,
}

impl CachedViewStore {
    /// Before `inner`; hears on `bus` what is announced. Needs the runtime.
    #[must_use]
    pub fn new(inner: Arc<dyn ViewStore>, link: Arc<RedisLink>, bus: Arc<dyn EventBus>) -> Self {
        Self::with(inner, link, bus, Floors::new())
    }

    fn with(inner: Arc<dyn ViewStore>, link: Arc<RedisLink>, bus: Arc<dyn EventBus>, floors: Floors) -> Self {
        let floors = Arc::new(floors);
        let closing = CancellationToken::new();
        let (heard, closed) = (Arc::clone(&floors), closing.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = closed.cancelled() => {}
                () = heard.listen(bus) => {}
            }
        });
        Self { inner, newest: Newest::new(link), floors, _listening: closing.drop_guard() }
    }
}

#[async_trait]
impl ViewStore for CachedViewStore {
    async fn newest_summary(&self, key: &ConversationKey) -> Result<Option<SummaryVersion>, StoreError> {
        if let Some(floor) = self.floors.floor(key)
            && let Some(kept) = self.newest.get(key).await
            && kept.version >= floor
        {
            metrics::counter!("recap_redis_summaries_total").increment(1);
            return Ok(Some(kept));
        }
        let found = self.inner.newest_summary(key).await?;
        if let Some(summary) = &found {
            self.newest.fill(key, summary).await;
        }
        Ok(found)
    }

    async fn save_summary(
        &self,
        key: &ConversationKey,
        epoch: u64,
        previous: Version,
        summary: &SummaryVersion,
    ) -> Result<CasOutcome, StoreError> {
        self.floors.raise(key, Some(summary.version));
        self.newest.fence(key, Some(summary.version)).await;
        let outcome = self.inner.save_summary(key, epoch, previous, summary).await?;
        if outcome == CasOutcome::Applied {
            self.newest.fill(key, summary).await;
        }
        Ok(outcome)
    }

    async fn retract(&self, key: &ConversationKey, messages: &[Seq]) -> Result<Version, StoreError> {
        let version = self.inner.retract(key, messages).await?;
        self.floors.raise(key, Some(version.next()));
        self.newest.fence(key, Some(version.next())).await;
        Ok(version)
    }

    async fn erase(&self, key: &ConversationKey) -> Result<(), StoreError> {
        self.floors.raise(key, None);
        self.newest.fence(key, None).await;
        self.inner.erase(key).await
    }

    async fn conversations(&self, keys: &[ConversationKey]) -> Result<Vec<Option<ConversationRow>>, StoreError> {
        self.inner.conversations(keys).await
    }

    async fn commit(&self, steps: Vec<ProjectionStep>) -> Result<Vec<CasOutcome>, StoreError> {
        self.inner.commit(steps).await
    }

    async fn replace(&self, step: ProjectionStep) -> Result<(), StoreError> {
        self.inner.replace(step).await
    }

    async fn list(&self, tenant: &TenantId, query: &ListQuery) -> Result<(Vec<ConversationRow>, u64), StoreError> {
        self.inner.list(tenant, query).await
    }

    async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        query: &HistoryQuery,
    ) -> Result<(Vec<HistoryRow>, u64), StoreError> {
        self.inner.history(tenant, user, query).await
    }

    async fn messages(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        self.inner.messages(tenant).await
    }

    async fn posted_in(
        &self,
        tenant: &TenantId,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        self.inner.posted_in(tenant, user, after, limit).await
    }

    async fn participants(&self, key: &ConversationKey) -> Result<u64, StoreError> {
        self.inner.participants(key).await
    }

    async fn uncovered(
        &self,
        after: Option<&ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        self.inner.uncovered(after, limit).await
    }

    async fn idle(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        self.inner.idle(before, limit).await
    }

    async fn degraded(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        self.inner.degraded(before, limit).await
    }

    async fn summaries(
        &self,
        key: &ConversationKey,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<SummaryVersion>, u64), StoreError> {
        self.inner.summaries(key, offset, limit).await
    }

    async fn gist(&self, conversation: &ConversationKey, key: &GistKey) -> Result<Option<Gist>, StoreError> {
        self.inner.gist(conversation, key).await
    }

    async fn save_gist(
        &self,
        conversation: &ConversationKey,
        epoch: u64,
        key: &GistKey,
        span: Span,
        gist: &Gist,
    ) -> Result<(), StoreError> {
        self.inner.save_gist(conversation, epoch, key, span, gist).await
    }

    async fn lease(
        &self,
        key: &ConversationKey,
        owner: &str,
        now: Timestamp,
        length: Duration,
    ) -> Result<bool, StoreError> {
        self.inner.lease(key, owner, now, length).await
    }

    async fn release(&self, key: &ConversationKey, owner: &str) -> Result<(), StoreError> {
        self.inner.release(key, owner).await
    }

    async fn reserve(&self, tenant: &TenantId, day: UtcDay, hold: Spend, cap: &SpendCap) -> Result<bool, StoreError> {
        self.inner.reserve(tenant, day, hold, cap).await
    }

    async fn settle(&self, tenant: &TenantId, day: UtcDay, held: Spend, spent: Spend) -> Result<(), StoreError> {
        self.inner.settle(tenant, day, held, spent).await
    }

    async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<Spend, StoreError> {
        self.inner.spent(tenant, day).await
    }

    async fn checkpoint(&self, reader: &str) -> Result<ArrivalMark, StoreError> {
        self.inner.checkpoint(reader).await
    }

    async fn save_checkpoint(&self, reader: &str, mark: &ArrivalMark) -> Result<(), StoreError> {
        self.inner.save_checkpoint(reader, mark).await
    }

    async fn failed(&self, letter: &DeadLetter) -> Result<u32, StoreError> {
        self.inner.failed(letter).await
    }

    async fn succeeded(&self, key: &ConversationKey) -> Result<(), StoreError> {
        self.inner.succeeded(key).await
    }

    async fn dead_letters(&self, attempts: u32, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        self.inner.dead_letters(attempts, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}
