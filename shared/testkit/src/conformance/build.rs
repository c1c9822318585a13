//! Values for the cases: names that no other test uses, messages and batches.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use shared::domain::{ConversationId, ConversationKey, EndReason, MessageId, Record, Seq, TenantId, Timestamp, UserId};
use shared::ports::{Append, AppendError, Appended, Condition, Draft, Edit, Entry, MessageLog};

/// A tenant that no other test uses.
#[must_use]
pub fn tenant() -> TenantId {
    let random = RandomState::new().build_hasher().finish();
    TenantId::parse(format!("tenant-{random:016x}")).unwrap_or_else(|_| TenantId::public())
}

/// A conversation of a tenant.
#[must_use]
pub fn key(tenant: &TenantId, name: &str) -> ConversationKey {
    ConversationKey::new(tenant.clone(), ConversationId::parse(name).expect("an id"))
}

/// A conversation of a tenant that no other test uses.
#[must_use]
pub fn fresh() -> ConversationKey {
    key(&tenant(), "c")
}

/// A user.
#[must_use]
pub fn user(name: &str) -> UserId {
    UserId::parse(name).expect("an id")
}

/// A point in time, in milliseconds.
#[must_use]
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A message of user `u` without a time of its own.
#[must_use]
pub fn draft(content: &str) -> Draft {
    Draft { user: user("u"), message_id: None, content: content.into(), timestamp: None, metadata: None, salt: [7; 16] }
}

/// A message with a time.
#[must_use]
pub fn draft_at(content: &str, millis: i64) -> Draft {
    Draft { timestamp: Some(at(millis)), ..draft(content) }
}

/// A message with a name.
#[must_use]
pub fn named(id: &str, content: &str) -> Draft {
    Draft { message_id: Some(MessageId::parse(id).expect("an id")), ..draft(content) }
}

/// A batch of messages, received at `millis`.
#[must_use]
pub fn batch_at(key: &ConversationKey, millis: i64, drafts: Vec<Draft>) -> Append {
    Append {
        key: key.clone(),
        entries: drafts.into_iter().map(Entry::Posted).collect(),
        idempotency: None,
        received_at: at(millis),
        condition: Condition::Always,
    }
}

/// A batch of messages.
#[must_use]
pub fn batch(key: &ConversationKey, drafts: Vec<Draft>) -> Append {
    batch_at(key, 1000, drafts)
}

/// The end of a conversation.
#[must_use]
pub fn end(key: &ConversationKey, condition: Condition) -> Append {
    Append { entries: vec![Entry::Ended(EndReason::Requested)], condition, ..batch(key, vec![]) }
}

/// A batch of changes, received at `millis`.
#[must_use]
pub fn changes(key: &ConversationKey, millis: i64, entries: Vec<Entry>) -> Append {
    Append { entries, ..batch_at(key, millis, vec![]) }
}

/// An edit that leaves no metadata.
#[must_use]
pub fn edit(target: u64, content: &str) -> Entry {
    Entry::Edited(Edit {
        target: Seq(target),
        content: content.into(),
        metadata: None,
        salt: [target.to_be_bytes()[7]; 16],
    })
}

/// An erasure.
#[must_use]
pub fn erase(target: u64) -> Entry {
    Entry::Erased(Seq(target))
}

/// Appends one batch alone.
pub async fn append(log: &dyn MessageLog, batch: Append) -> Result<Appended, AppendError> {
    let mut outcomes = log.append(vec![batch]).await;
    assert_eq!(outcomes.len(), 1, "one outcome for each batch");
    outcomes.remove(0)
}

/// Appends messages, each in a batch of its own.
pub async fn post(log: &dyn MessageLog, key: &ConversationKey, drafts: Vec<Draft>) {
    for draft in drafts {
        append(log, batch(key, vec![draft])).await.expect("appended");
    }
}

/// The texts of records, `-` for those that are no messages.
#[must_use]
pub fn texts(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.posted().map_or("-", |posted| &posted.content)).collect()
}

/// The places of records.
#[must_use]
pub fn seqs(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.seq.0).collect()
}
