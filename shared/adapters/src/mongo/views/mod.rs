//! Read models.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::{ConversationKey, Spend, SpendCap, SummaryVersion, TenantId, Timestamp, UserId, UtcDay, Version};
use shared::ports::{
    ArrivalMark, CasOutcome, ConversationRow, DeadLetter, Gist, GistKey, HistoryQuery, HistoryRow, IdSource, ListQuery,
    ProjectionStep, StoreError, ViewStore,
};

use super::db::Db;

/// Read models.
pub struct MongoViewStore {
    _db: Arc<Db>,
}

impl MongoViewStore {
    pub(super) fn new(db: Arc<Db>, _ids: Arc<dyn IdSource>) -> Self {
        Self { _db: db }
    }
}

#[async_trait]
impl ViewStore for MongoViewStore {
    async fn conversations(&self, _keys: &[ConversationKey]) -> Result<Vec<Option<ConversationRow>>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn commit(&self, _steps: Vec<ProjectionStep>) -> Result<Vec<CasOutcome>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn replace(&self, _step: ProjectionStep) -> Result<(), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn list(&self, _tenant: &TenantId, _query: &ListQuery) -> Result<(Vec<ConversationRow>, u64), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn history(
        &self,
        _tenant: &TenantId,
        _user: &UserId,
        _query: &HistoryQuery,
    ) -> Result<(Vec<HistoryRow>, u64), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn participants(&self, _key: &ConversationKey) -> Result<u64, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn uncovered(
        &self,
        _after: Option<&ConversationKey>,
        _limit: usize,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn idle(&self, _before: Timestamp, _limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn degraded(&self, _before: Timestamp, _limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn save_summary(
        &self,
        _key: &ConversationKey,
        _previous: Version,
        _summary: &SummaryVersion,
    ) -> Result<CasOutcome, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn newest_summary(&self, _key: &ConversationKey) -> Result<Option<SummaryVersion>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn summaries(
        &self,
        _key: &ConversationKey,
        _offset: u64,
        _limit: usize,
    ) -> Result<(Vec<SummaryVersion>, u64), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn gist(&self, _conversation: &ConversationKey, _key: &GistKey) -> Result<Option<Gist>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn save_gist(&self, _conversation: &ConversationKey, _key: &GistKey, _gist: &Gist) -> Result<(), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn lease(
        &self,
        _key: &ConversationKey,
        _owner: &str,
        _now: Timestamp,
        _length: Duration,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn release(&self, _key: &ConversationKey, _owner: &str) -> Result<(), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn reserve(
        &self,
        _tenant: &TenantId,
        _day: UtcDay,
        _hold: Spend,
        _cap: &SpendCap,
    ) -> Result<bool, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn settle(&self, _tenant: &TenantId, _day: UtcDay, _held: Spend, _spent: Spend) -> Result<(), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn spent(&self, _tenant: &TenantId, _day: UtcDay) -> Result<Spend, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn erase(&self, _key: &ConversationKey) -> Result<(), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn checkpoint(&self, _reader: &str) -> Result<ArrivalMark, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn save_checkpoint(&self, _reader: &str, _mark: &ArrivalMark) -> Result<(), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn failed(&self, _letter: &DeadLetter) -> Result<u32, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn succeeded(&self, _key: &ConversationKey) -> Result<(), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn dead_letters(&self, _attempts: u32, _limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Err(StoreError::Timeout)
    }
}
