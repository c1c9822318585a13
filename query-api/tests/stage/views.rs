//! Views in memory, which count how often they are read and can be away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::{
    ConversationId, ConversationKey, Seq, Spend, SpendCap, SummaryVersion, TenantId, Timestamp, UserId, UtcDay, Version,
};
use shared::ports::{
    ArrivalMark, CasOutcome, ConversationRow, DeadLetter, Gist, GistKey, HistoryQuery, HistoryRow, ListQuery,
    ParticipationDelta, ProjectionStep, Span, StoreError, ViewStore,
};

use super::Count;

#[derive(Default)]
pub(crate) struct MemoryViews {
    rows: Mutex<HashMap<ConversationKey, ConversationRow>>,
    summaries: Mutex<HashMap<ConversationKey, Vec<SummaryVersion>>>,
    participations: Mutex<HashMap<(ConversationKey, UserId), ParticipationDelta>>,
    pub(crate) away: AtomicBool,
    pub(crate) row_reads: Count,
    pub(crate) summary_reads: Count,
}

impl MemoryViews {
    pub(crate) fn row(&self, key: &ConversationKey) -> Option<ConversationRow> {
        self.rows.lock().get(key).cloned()
    }

    pub(crate) fn put(&self, row: ConversationRow) {
        self.rows.lock().insert(row.key.clone(), row);
    }

    pub(crate) fn add_summary(&self, key: &ConversationKey, summary: SummaryVersion) {
        self.summaries.lock().entry(key.clone()).or_default().push(summary);
    }

    pub(crate) fn participate(&self, key: &ConversationKey, deltas: &[ParticipationDelta]) {
        let mut rows = self.participations.lock();
        for delta in deltas {
            let row = rows
                .entry((key.clone(), delta.user.clone()))
                .or_insert_with(|| ParticipationDelta { messages: 0, ..delta.clone() });
            row.messages += delta.messages;
            row.first = row.first.min(delta.first);
            if delta.last >= row.last {
                (row.last, row.last_seq) = (delta.last, delta.last_seq);
            }
        }
    }

    pub(crate) fn forget(&self, key: &ConversationKey) {
        self.rows.lock().remove(key);
        self.summaries.lock().remove(key);
        self.participations.lock().retain(|(of, _), _| of != key);
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.away.load(Ordering::SeqCst) { Err(StoreError::Timeout) } else { Ok(()) }
    }
}

fn cut<T>(list: Vec<T>, offset: u64, limit: usize) -> (Vec<T>, u64) {
    let total = list.len() as u64;
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    (list.into_iter().skip(offset).take(limit).collect(), total)
}

#[async_trait]
impl ViewStore for MemoryViews {
    async fn conversations(&self, keys: &[ConversationKey]) -> Result<Vec<Option<ConversationRow>>, StoreError> {
        self.check()?;
        self.row_reads.add();
        Ok(keys.iter().map(|key| self.row(key)).collect())
    }

    async fn list(&self, tenant: &TenantId, query: &ListQuery) -> Result<(Vec<ConversationRow>, u64), StoreError> {
        self.check()?;
        let mut rows: Vec<_> = self.rows.lock().values().cloned().collect();
        rows.retain(|row| {
            let id = row.key.conversation.as_str();
            row.key.tenant == *tenant && query.contains.as_ref().is_none_or(|text| id.contains(text))
        });
        rows.sort_by_key(|row| std::cmp::Reverse(row.view.newest.map(|newest| newest.timestamp)));
        Ok(cut(rows, query.offset, query.limit))
    }

    async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        query: &HistoryQuery,
    ) -> Result<(Vec<HistoryRow>, u64), StoreError> {
        let rows = self.participations.lock();
        let mut found: Vec<_> = rows
            .iter()
            .filter(|((key, of), row)| {
                key.tenant == *tenant
                    && of == user
                    && query.start.is_none_or(|start| row.last >= start)
                    && query.end.is_none_or(|end| row.first <= end)
            })
            .map(|((key, _), row)| HistoryRow {
                conversation: key.conversation.clone(),
                first: row.first,
                last: row.last,
                last_seq: row.last_seq,
                messages: row.messages,
                latest_seq: self.row(key).and_then(|row| row.view.newest).expect("a message").seq,
            })
            .collect();
        found.sort_by_key(|row| std::cmp::Reverse(row.last));
        Ok(cut(found, query.offset, query.limit))
    }

    async fn messages(&self, _: &TenantId) -> Result<u64, StoreError> {
        unreachable!("query-api has no quotas")
    }

    async fn posted_in(
        &self,
        tenant: &TenantId,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        self.check()?;
        let rows = self.participations.lock();
        let theirs = rows.keys().filter(|(key, of)| key.tenant == *tenant && of == user);
        let mut names: Vec<_> = theirs.map(|(key, _)| key.conversation.clone()).collect();
        names.retain(|name| after.is_none_or(|after| name > after));
        names.sort();
        names.truncate(limit);
        Ok(names)
    }

    async fn participants(&self, key: &ConversationKey) -> Result<u64, StoreError> {
        Ok(self.participations.lock().keys().filter(|(of, _)| of == key).count() as u64)
    }

    async fn newest_summary(&self, key: &ConversationKey) -> Result<Option<SummaryVersion>, StoreError> {
        self.check()?;
        self.summary_reads.add();
        Ok(self.summaries.lock().get(key).and_then(|list| list.last().cloned()))
    }

    async fn summaries(
        &self,
        key: &ConversationKey,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<SummaryVersion>, u64), StoreError> {
        let mut list = self.summaries.lock().get(key).cloned().unwrap_or_default();
        list.reverse();
        Ok(cut(list, offset, limit))
    }

    async fn commit(&self, _: Vec<ProjectionStep>) -> Result<Vec<CasOutcome>, StoreError> {
        unreachable!("query-api does not write")
    }

    async fn replace(&self, _: ProjectionStep) -> Result<(), StoreError> {
        unreachable!("query-api does not write")
    }

    async fn uncovered(&self, _: Option<&ConversationKey>, _: usize) -> Result<Vec<ConversationRow>, StoreError> {
        unreachable!("query-api does not summarize")
    }

    async fn idle(&self, _: Timestamp, _: usize) -> Result<Vec<ConversationRow>, StoreError> {
        unreachable!("query-api does not end conversations")
    }

    async fn save_summary(
        &self,
        _: &ConversationKey,
        _: u64,
        _: Version,
        _: &SummaryVersion,
    ) -> Result<CasOutcome, StoreError> {
        unreachable!("query-api does not write")
    }

    async fn retract(&self, _: &ConversationKey, _: &[Seq]) -> Result<Version, StoreError> {
        unreachable!("query-api does not write")
    }

    async fn gist(&self, _: &ConversationKey, _: &GistKey) -> Result<Option<Gist>, StoreError> {
        unreachable!("query-api does not summarize")
    }

    async fn save_gist(&self, _: &ConversationKey, _: u64, _: &GistKey, _: Span, _: &Gist) -> Result<(), StoreError> {
        unreachable!("query-api does not summarize")
    }

    async fn lease(&self, _: &ConversationKey, _: &str, _: Timestamp, _: Duration) -> Result<bool, StoreError> {
        unreachable!("query-api does not summarize")
    }

    async fn release(&self, _: &ConversationKey, _: &str) -> Result<(), StoreError> {
        unreachable!("query-api does not summarize")
    }

    async fn erase(&self, _: &ConversationKey) -> Result<(), StoreError> {
        unreachable!("query-api does not write")
    }

    async fn checkpoint(&self, _: &str) -> Result<ArrivalMark, StoreError> {
        unreachable!("query-api does not reconcile")
    }

    async fn save_checkpoint(&self, _: &str, _: &ArrivalMark) -> Result<(), StoreError> {
        unreachable!("query-api does not reconcile")
    }

    async fn failed(&self, _: &DeadLetter) -> Result<u32, StoreError> {
        unreachable!("query-api does not retry")
    }

    async fn succeeded(&self, _: &ConversationKey) -> Result<(), StoreError> {
        unreachable!("query-api does not retry")
    }

    async fn dead_letters(&self, _: u32, _: usize) -> Result<Vec<DeadLetter>, StoreError> {
        unreachable!("query-api does not retry")
    }

    async fn degraded(&self, _: Timestamp, _: usize) -> Result<Vec<ConversationRow>, StoreError> {
        unreachable!("query-api makes no summaries")
    }

    async fn reserve(&self, _: &TenantId, _: UtcDay, _: Spend, _: &SpendCap) -> Result<bool, StoreError> {
        unreachable!("query-api calls no model")
    }

    async fn settle(&self, _: &TenantId, _: UtcDay, _: Spend, _: Spend) -> Result<(), StoreError> {
        unreachable!("query-api calls no model")
    }

    async fn spent(&self, _: &TenantId, _: UtcDay) -> Result<Spend, StoreError> {
        unreachable!("query-api calls no model")
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.check()
    }
}
