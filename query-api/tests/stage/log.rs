//! A log in memory: pages are cut from a sorted copy, the plainest way.

use std::collections::HashMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::{ConversationKey, Metadata, Posted, Record, RecordBody, Seq, TenantId, Timestamp, UserId};
use shared::ports::Clock as _;
use shared::ports::{
    Append, AppendError, Appended, ArrivalMark, Arrivals, ConversationMark, Conversations, Head, MessageLog, Order,
    Page, PageQuery, PageStart, Position, StoreError, Written, WrittenMark,
};
use shared_adapters::SystemClock;

#[derive(Default)]
pub(crate) struct MemoryLog(Mutex<HashMap<ConversationKey, Vec<Record>>>);

impl MemoryLog {
    pub(crate) fn post(&self, key: &ConversationKey, user: &str, content: &str, timestamp: Timestamp) {
        let body = RecordBody::Posted(Posted {
            user: UserId::parse(user).expect("an id"),
            message_id: None,
            content: content.into(),
            timestamp,
            metadata: content.contains("meta").then(|| Metadata::parse(r#"{"a": [1, 2.50]}"#).expect("an object")),
            salt: [1; 16],
            late: false,
            edit: None,
        });
        self.push(key, body);
    }

    pub(crate) fn push(&self, key: &ConversationKey, body: RecordBody) {
        let mut log = self.0.lock();
        let records = log.entry(key.clone()).or_default();
        let seq = Seq(records.len() as u64 + 1);
        records.push(Record { seq, received_at: SystemClock.now(), body });
    }

    pub(crate) fn all(&self, key: &ConversationKey) -> Vec<Record> {
        self.0.lock().get(key).cloned().unwrap_or_default()
    }

    pub(crate) fn forget(&self, key: &ConversationKey) {
        self.0.lock().remove(key);
    }
}

fn position(record: &Record) -> Option<Position> {
    record.posted().map(|posted| Position { timestamp: posted.timestamp, seq: record.seq })
}

#[async_trait]
impl MessageLog for MemoryLog {
    async fn page(&self, key: &ConversationKey, query: &PageQuery) -> Result<Option<Page>, StoreError> {
        let mut records = self.all(key);
        if records.is_empty() {
            return Ok(None);
        }
        records.retain(|record| {
            let Some(at) = position(record) else { return false };
            query.since.is_none_or(|since| at.timestamp >= since)
                && query.until.is_none_or(|until| at.timestamp <= until)
        });
        let total = records.len() as u64;
        records.sort_by_key(position);
        if query.order == Order::Descending {
            records.reverse();
        }
        let start = match query.start {
            PageStart::Offset(offset) => usize::try_from(offset).unwrap_or(usize::MAX).min(records.len()),
            PageStart::After(after) => records.partition_point(|record| match query.order {
                Order::Ascending => position(record) <= Some(after),
                Order::Descending => position(record) >= Some(after),
            }),
        };
        let rest = records.split_off(start);
        let more = rest.len() > query.limit;
        Ok(Some(Page { records: rest.into_iter().take(query.limit).collect(), total, more }))
    }

    async fn head(&self, key: &ConversationKey) -> Result<Option<Head>, StoreError> {
        let records = self.all(key);
        let posted = || records.iter().filter(|record| record.posted().is_some());
        Ok(records.last().map(|last| Head {
            seq: last.seq,
            last_message: posted().next_back().map_or(Seq::ZERO, |record| record.seq),
            messages: posted().count() as u64,
            received_at: last.received_at,
            ended: match last.body {
                RecordBody::Ended(reason) => Some(reason),
                _ => None,
            },
        }))
    }

    async fn records(&self, places: &[(ConversationKey, Seq)]) -> Result<Vec<Option<Record>>, StoreError> {
        let find = |(key, seq): &(ConversationKey, Seq)| self.all(key).into_iter().find(|record| record.seq == *seq);
        Ok(places.iter().map(find).collect())
    }

    async fn append(&self, _: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        unreachable!("query-api does not write")
    }

    async fn read(&self, key: &ConversationKey, from: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        Ok(self.all(key).into_iter().filter(|record| record.seq >= from).take(limit).collect())
    }

    async fn written(
        &self,
        _: &TenantId,
        _: &UserId,
        _: Timestamp,
        _: &WrittenMark,
        _: usize,
    ) -> Result<Written, StoreError> {
        unreachable!("query-api asks views where a user wrote")
    }

    async fn arrivals(&self, _: &ArrivalMark, _: usize) -> Result<Arrivals, StoreError> {
        unreachable!("query-api does not reconcile")
    }

    async fn conversations(&self, _: &ConversationMark, _: usize) -> Result<Conversations, StoreError> {
        unreachable!("query-api lists views")
    }

    async fn erase(&self, _: &ConversationKey) -> Result<bool, StoreError> {
        unreachable!("query-api does not write")
    }

    async fn erasures(&self, _: usize) -> Result<Vec<ConversationKey>, StoreError> {
        unreachable!("query-api does not write")
    }

    async fn erased(&self, _: &ConversationKey) -> Result<(), StoreError> {
        unreachable!("query-api does not write")
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
