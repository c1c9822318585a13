//! The log of all conversations.

use std::sync::Arc;

use async_trait::async_trait;
use shared::domain::{ConversationKey, Record, Seq};
use shared::ports::{
    Append, AppendError, Appended, ArrivalMark, Arrivals, Head, IdSource, MessageLog, Page, PageQuery, StoreError,
};

use super::db::Db;

/// The log of all conversations.
pub struct MongoMessageLog {
    _db: Arc<Db>,
}

impl MongoMessageLog {
    pub(super) fn new(db: Arc<Db>, _ids: Arc<dyn IdSource>) -> Self {
        Self { _db: db }
    }
}

#[async_trait]
impl MessageLog for MongoMessageLog {
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        batches.into_iter().map(|_| Err(AppendError::Unavailable(None))).collect()
    }

    async fn read(&self, _key: &ConversationKey, _from: Seq, _limit: usize) -> Result<Vec<Record>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn records(&self, _places: &[(ConversationKey, Seq)]) -> Result<Vec<Option<Record>>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn page(&self, _key: &ConversationKey, _query: &PageQuery) -> Result<Option<Page>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn head(&self, _key: &ConversationKey) -> Result<Option<Head>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn arrivals(&self, _mark: &ArrivalMark, _limit: usize) -> Result<Arrivals, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn erase(&self, _key: &ConversationKey) -> Result<bool, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn erasures(&self, _limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn erased(&self, _key: &ConversationKey) -> Result<(), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Err(StoreError::Timeout)
    }
}
