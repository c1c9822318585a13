//! The log in memory.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::{
    ConversationKey, Digest, EditMark, EndReason, Posted, Record, RecordBody, Seq, TenantId, Timestamp, UserId,
};
use shared::ports::{
    Append, AppendError, Appended, ArrivalMark, Arrivals, Condition, ConversationMark, Conversations, Edit, Entry,
    Head, MessageLog, Page, PageQuery, Reach, StoreError, Written, WrittenMark,
};

use super::Faults;

#[derive(Default)]
pub(crate) struct MemoryLog {
    state: Mutex<State>,
    pub(crate) faults: Faults,
}

#[derive(Default)]
struct State {
    conversations: BTreeMap<ConversationKey, Vec<Record>>,
    arrivals: Vec<Reach>,
    erasures: BTreeSet<ConversationKey>,
    /// Records that cannot be read.
    broken: HashSet<(ConversationKey, Seq)>,
    /// Records that are not there, though later ones are.
    holes: HashSet<(ConversationKey, Seq)>,
    records_read: u64,
}

impl MemoryLog {
    pub(crate) fn break_record(&self, key: &ConversationKey, seq: u64) {
        self.state.lock().broken.insert((key.clone(), Seq(seq)));
    }

    pub(crate) fn make_hole(&self, key: &ConversationKey, seq: u64) {
        self.state.lock().holes.insert((key.clone(), Seq(seq)));
    }

    pub(crate) fn mend(&self) {
        let mut state = self.state.lock();
        state.broken.clear();
        state.holes.clear();
    }

    /// All records, faults aside.
    pub(crate) fn all(&self, key: &ConversationKey) -> Vec<Record> {
        self.state.lock().conversations.get(key).cloned().unwrap_or_default()
    }

    pub(crate) fn keys(&self) -> Vec<ConversationKey> {
        self.state.lock().conversations.keys().cloned().collect()
    }

    pub(crate) fn records_read(&self) -> u64 {
        self.state.lock().records_read
    }
}

impl State {
    fn get(&mut self, key: &ConversationKey, seq: Seq) -> Result<Option<Record>, StoreError> {
        let place = (key.clone(), seq);
        if self.broken.contains(&place) {
            return Err(StoreError::Corrupt { what: "a record".into(), source: None });
        }
        if self.holes.contains(&place) {
            return Ok(None);
        }
        let index = usize::try_from(seq.0).unwrap().checked_sub(1);
        let found = index.and_then(|i| self.conversations.get(key)?.get(i).cloned());
        self.records_read += u64::from(found.is_some());
        Ok(found)
    }

    fn append(&mut self, batch: Append) -> Result<Appended, AppendError> {
        let head = self.conversations.get(&batch.key).and_then(|records| records.last());
        let seq = head.map_or(Seq::ZERO, |record| record.seq);
        let ended = head.is_some_and(|record| matches!(record.body, RecordBody::Ended(_)));
        let appended = |inserted, head| Appended {
            conversation: batch.key.conversation.clone(),
            inserted,
            duplicates: 0,
            replayed: false,
            head,
        };
        match batch.condition {
            Condition::Open if head.is_none() => return Err(AppendError::NotFound),
            Condition::Open if ended => return Ok(appended(0, seq)),
            Condition::HeadIs(expected) if expected != seq => return Err(AppendError::HeadMoved),
            _ => {}
        }
        let records = self.conversations.entry(batch.key.clone()).or_default();
        for entry in batch.entries {
            let seq = Seq(records.len() as u64 + 1);
            let body = match entry {
                Entry::Posted(draft) => RecordBody::Posted(Posted {
                    user: draft.user,
                    message_id: draft.message_id,
                    content: draft.content,
                    timestamp: draft.timestamp.unwrap_or(batch.received_at),
                    metadata: draft.metadata,
                    salt: draft.salt,
                    late: false,
                    edit: None,
                }),
                Entry::Ended(reason) => RecordBody::Ended(reason),
                Entry::Edited(edit) => {
                    let Edit { target, content, metadata, salt } = edit;
                    let leaf = Digest::edited(target, &content, metadata.as_ref(), &salt);
                    let record = &mut records[usize::try_from(target.0).unwrap() - 1];
                    let RecordBody::Posted(posted) = &mut record.body else { panic!("a message") };
                    let mark = EditMark { at: batch.received_at, trace: posted.trace() };
                    (posted.content, posted.metadata, posted.salt) = (content, metadata, salt);
                    posted.edit = Some(Box::new(mark));
                    RecordBody::Edited { target, leaf }
                }
                Entry::Erased(target) => {
                    let record = &mut records[usize::try_from(target.0).unwrap() - 1];
                    let RecordBody::Posted(posted) = &record.body else { continue };
                    record.body = RecordBody::Removed(posted.trace());
                    RecordBody::Erased { target }
                }
            };
            records.push(Record { seq, received_at: batch.received_at, body });
        }
        let head = Seq(records.len() as u64);
        let result = appended(u32::try_from(head.0 - seq.0).unwrap(), head);
        self.arrivals.push(Reach { key: batch.key, seq: head });
        Ok(result)
    }
}

#[async_trait]
impl MessageLog for MemoryLog {
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        batches.into_iter().map(|batch| self.state.lock().append(batch)).collect()
    }

    async fn read(&self, key: &ConversationKey, from: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.faults.check()?;
        let mut state = self.state.lock();
        let last = state.conversations.get(key).map_or(0, Vec::len) as u64;
        let mut found = Vec::new();
        for seq in from.0..=last {
            if found.len() == limit {
                break;
            }
            found.extend(state.get(key, Seq(seq))?);
        }
        Ok(found)
    }

    async fn records(&self, places: &[(ConversationKey, Seq)]) -> Result<Vec<Option<Record>>, StoreError> {
        self.faults.check()?;
        let mut state = self.state.lock();
        places.iter().map(|(key, seq)| state.get(key, *seq)).collect()
    }

    async fn page(&self, _: &ConversationKey, _: &PageQuery) -> Result<Option<Page>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn head(&self, key: &ConversationKey) -> Result<Option<Head>, StoreError> {
        self.faults.check()?;
        let state = self.state.lock();
        let Some(records) = state.conversations.get(key) else { return Ok(None) };
        let Some(last) = records.last() else { return Ok(None) };
        let messages = || records.iter().filter(|record| record.posted().is_some());
        Ok(Some(Head {
            seq: last.seq,
            last_message: records
                .iter()
                .rfind(|record| record.posted().is_some() || record.changes().is_some())
                .map_or(Seq::ZERO, |record| record.seq),
            messages: messages().count() as u64,
            received_at: last.received_at,
            ended: records.iter().rfind(|record| record.changes().is_none()).and_then(ended),
        }))
    }

    async fn arrivals(&self, mark: &ArrivalMark, limit: usize) -> Result<Arrivals, StoreError> {
        self.faults.check()?;
        let state = self.state.lock();
        let from: usize = mark.0.parse().unwrap_or(0);
        let to = (from + limit).min(state.arrivals.len());
        let mut reached: BTreeMap<ConversationKey, Seq> = BTreeMap::new();
        for reach in &state.arrivals[from..to] {
            let seq = reached.entry(reach.key.clone()).or_default();
            *seq = reach.seq.max(*seq);
        }
        let reached = reached.into_iter().map(|(key, seq)| Reach { key, seq }).collect();
        Ok(Arrivals { reached, mark: ArrivalMark(to.to_string().into()), more: to < state.arrivals.len() })
    }

    async fn conversations(&self, after: &ConversationMark, limit: usize) -> Result<Conversations, StoreError> {
        self.faults.check()?;
        let state = self.state.lock();
        let from: usize = after.0.parse().unwrap_or(0);
        let keys: Vec<_> = state.conversations.keys().skip(from).take(limit).cloned().collect();
        let (to, more) = (from + keys.len(), keys.len() == limit);
        Ok(Conversations { keys, mark: ConversationMark(to.to_string().into()), more })
    }

    async fn erase(&self, key: &ConversationKey) -> Result<bool, StoreError> {
        let mut state = self.state.lock();
        let was = state.conversations.remove(key).is_some();
        if was {
            state.erasures.insert(key.clone());
        }
        Ok(was)
    }

    async fn erasures(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
        self.faults.check()?;
        Ok(self.state.lock().erasures.iter().take(limit).cloned().collect())
    }

    async fn written(
        &self,
        tenant: &TenantId,
        user: &UserId,
        until: Timestamp,
        mark: &WrittenMark,
        limit: usize,
    ) -> Result<Written, StoreError> {
        self.faults.check()?;
        let state = self.state.lock();
        let theirs = state.conversations.iter().filter(|(key, _)| key.tenant == *tenant);
        let all = theirs.flat_map(|(key, records)| records.iter().map(move |record| (key, record)));
        let all = all.filter(|(_, record)| {
            record.received_at <= until && record.posted().is_some_and(|posted| posted.user == *user)
        });
        let place = |key: &ConversationKey, seq: Seq| format!("{:?} {:020}", key.conversation, seq.0);
        let mut found: Vec<_> = all.map(|(key, record)| (place(key, record.seq), key.clone(), record.seq)).collect();
        found.sort();
        found.retain(|(place, ..)| place.as_str() > mark.0.as_str());
        let more = found.len() > limit;
        found.truncate(limit);
        let mark = found.last().map_or_else(|| mark.clone(), |(place, ..)| WrittenMark(place.into()));
        Ok(Written { places: found.into_iter().map(|(_, key, seq)| (key, seq)).collect(), mark, more })
    }

    async fn erased(&self, key: &ConversationKey) -> Result<(), StoreError> {
        self.state.lock().erasures.remove(key);
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn ended(record: &Record) -> Option<EndReason> {
    match record.body {
        RecordBody::Ended(reason) => Some(reason),
        _ => None,
    }
}
