//! The real log behind a switch: it can be held up, can fail, and can lose its answers.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::{ConversationKey, Record, Seq, TenantId, Timestamp, UserId};
use shared::ports::{
    Append, AppendError, Appended, ArrivalMark, Arrivals, ConversationMark, Conversations, Head, MessageLog, Page,
    PageQuery, StoreError, Written, WrittenMark,
};
use tokio::sync::{RwLock, RwLockWriteGuard};

/// What happens to the next call of `append`.
pub(crate) enum Fate {
    /// Nothing is stored.
    Unavailable,
    /// All is stored, but nobody hears of it.
    Unknown,
    /// All is stored, but the answer has no outcomes.
    Silent,
}

pub(crate) struct SteeredLog {
    inner: Arc<dyn MessageLog>,
    held: RwLock<()>,
    fates: Mutex<VecDeque<Fate>>,
    commits: Mutex<Vec<usize>>,
}

impl SteeredLog {
    pub(crate) fn new(inner: Arc<dyn MessageLog>) -> Self {
        Self { inner, held: RwLock::default(), fates: Mutex::default(), commits: Mutex::default() }
    }

    /// Holds up appends and erasures until the guard is dropped.
    pub(crate) async fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        self.held.write().await
    }

    pub(crate) fn next(&self, fate: Fate) {
        self.fates.lock().push_back(fate);
    }

    /// How many batches each call of `append` had so far.
    pub(crate) fn commits(&self) -> Vec<usize> {
        self.commits.lock().clone()
    }
}

#[async_trait]
impl MessageLog for SteeredLog {
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let count = batches.len();
        self.commits.lock().push(count);
        let _held = self.held.read().await;
        let fate = self.fates.lock().pop_front();
        if matches!(fate, Some(Fate::Unavailable)) {
            return (0..count).map(|_| Err(AppendError::Unavailable(None))).collect();
        }
        let outcomes = self.inner.append(batches).await;
        match fate {
            Some(Fate::Unknown) => (0..count).map(|_| Err(AppendError::Unknown(None))).collect(),
            Some(Fate::Silent) => Vec::new(),
            _ => outcomes,
        }
    }

    async fn erase(&self, key: &ConversationKey) -> Result<bool, StoreError> {
        let erased = self.inner.erase(key).await;
        let _held = self.held.read().await;
        erased
    }

    async fn read(&self, key: &ConversationKey, from: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.read(key, from, limit).await
    }

    async fn records(&self, places: &[(ConversationKey, Seq)]) -> Result<Vec<Option<Record>>, StoreError> {
        self.inner.records(places).await
    }

    async fn page(&self, key: &ConversationKey, query: &PageQuery) -> Result<Option<Page>, StoreError> {
        self.inner.page(key, query).await
    }

    async fn head(&self, key: &ConversationKey) -> Result<Option<Head>, StoreError> {
        self.inner.head(key).await
    }

    async fn arrivals(&self, mark: &ArrivalMark, limit: usize) -> Result<Arrivals, StoreError> {
        self.inner.arrivals(mark, limit).await
    }

    async fn conversations(&self, after: &ConversationMark, limit: usize) -> Result<Conversations, StoreError> {
        self.inner.conversations(after, limit).await
    }

    async fn erasures(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
        self.inner.erasures(limit).await
    }

    async fn erased(&self, key: &ConversationKey) -> Result<(), StoreError> {
        self.inner.erased(key).await
    }

    async fn written(
        &self,
        tenant: &TenantId,
        user: &UserId,
        until: Timestamp,
        mark: &WrittenMark,
        limit: usize,
    ) -> Result<Written, StoreError> {
        self.inner.written(tenant, user, until, mark, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}
