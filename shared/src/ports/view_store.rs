//! Read models, summaries and their bookkeeping (what project and summarize write, and query reads).

use std::time::Duration;

use async_trait::async_trait;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{ArrivalMark, Gist, StoreError};
use crate::domain::{
    ConversationId, ConversationKey, Digest, Seq, Spend, SpendCap, SummaryPointer, SummaryVersion, TenantId, Timestamp,
    UserId, UtcDay, Version,
};
use crate::projections::ConversationView;

/// Where views are kept. All of it but gists, summaries and leases is rebuilt from the log.
///
/// Laws:
/// 1. `commit` moves a view only from the `applied_seq` and digest that the step was made from, and
///    its participations change exactly once with it, whatever crashes and repeats.
/// 2. `save_summary` stores version n only as successor of n-1, with the pointer, in one step, and only in the epoch
///    that it names.
/// 3. Summaries and gists are durable when the call returns; views may be lost and rebuilt.
/// 4. A lease has at most one owner until its time is over.
/// 5. After `erase` nothing of the conversation is found.
/// 6. What a tenant's reservations and settlements of a day add up to never passes the cap that was named with
///    each reservation, however many workers reserve at once and whenever they die, as long as nobody settles more
///    than was reserved. The books are no part of a conversation: erasing one does not change them.
/// 7. After `retract` nothing that was made from the messages named is found, and nothing is kept that was made in an
///    earlier epoch, however long its maker was at it. Numbers of versions are not given again.
#[async_trait]
pub trait ViewStore: Send + Sync + 'static {
    /// Views with their summary pointers; `None` where there is none. In the order asked.
    async fn conversations(&self, keys: &[ConversationKey]) -> Result<Vec<Option<ConversationRow>>, StoreError>;

    /// Commits steps of different conversations, each by compare-and-set, together in one write.
    async fn commit(&self, steps: Vec<ProjectionStep>) -> Result<Vec<CasOutcome>, StoreError>;

    /// Puts a view that was folded from the log's first record (so `from` is `None`) in place of whatever is there,
    /// readable or not: the conversation's participations become exactly those of the step; its summary
    /// pointer, summaries and gists stay. One write. For repair only.
    async fn replace(&self, step: ProjectionStep) -> Result<(), StoreError>;

    /// A tenant's conversations, newest message first, and how many there are.
    async fn list(&self, tenant: &TenantId, query: &ListQuery) -> Result<(Vec<ConversationRow>, u64), StoreError>;

    /// The conversations a user has posted in, latest post first, and how many there are.
    async fn history(
        &self,
        tenant: &TenantId,
        user: &UserId,
        query: &HistoryQuery,
    ) -> Result<(Vec<HistoryRow>, u64), StoreError>;

    /// The conversations a user has posted in, by name, beginning behind `after`; at most `limit`.
    async fn posted_in(
        &self,
        tenant: &TenantId,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> Result<Vec<ConversationId>, StoreError>;

    /// How many users have posted in a conversation.
    async fn participants(&self, key: &ConversationKey) -> Result<u64, StoreError>;

    /// How many messages all conversations of a tenant hold. Looks at every participation: for now and then.
    async fn messages(&self, tenant: &TenantId) -> Result<u64, StoreError>;

    /// Conversations with messages that no summary covers, ordered by key, beginning behind `after`.
    async fn uncovered(
        &self,
        after: Option<&ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ConversationRow>, StoreError>;

    /// Conversations that have not ended and whose last record was received before `before`, oldest first.
    async fn idle(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError>;

    /// Conversations whose newest summary was written by a fallback engine (`SummaryPointer::degraded`) and whose
    /// newest version was made before `before`, newest message first. For making them again.
    async fn degraded(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError>;

    /// Stores a version whose number is one above `previous`, if that still is the newest number given and `epoch` is
    /// the conversation's.
    async fn save_summary(
        &self,
        key: &ConversationKey,
        epoch: u64,
        previous: Version,
        summary: &SummaryVersion,
    ) -> Result<CasOutcome, StoreError>;

    /// Takes back what was made from these messages: versions that cover one of them, gists of it, and the pointer to
    /// the newest version. Begins another epoch. Answers the newest number given to a version, zero if none was.
    /// Nothing where there is no view.
    async fn retract(&self, key: &ConversationKey, messages: &[Seq]) -> Result<Version, StoreError>;

    /// The newest version; none where it was taken back.
    async fn newest_summary(&self, key: &ConversationKey) -> Result<Option<SummaryVersion>, StoreError>;

    /// Versions, newest first, beginning after the first `offset`, and how many there are.
    async fn summaries(
        &self,
        key: &ConversationKey,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<SummaryVersion>, u64), StoreError>;

    /// A gist made before from the same content by the same engine.
    async fn gist(&self, conversation: &ConversationKey, key: &GistKey) -> Result<Option<Gist>, StoreError>;

    /// Keeps a gist of what stands in a span, if `epoch` is the conversation's.
    async fn save_gist(
        &self,
        conversation: &ConversationKey,
        epoch: u64,
        key: &GistKey,
        span: Span,
        gist: &Gist,
    ) -> Result<(), StoreError>;

    /// Takes or prolongs a lease; false while another owner holds it.
    async fn lease(
        &self,
        key: &ConversationKey,
        owner: &str,
        now: Timestamp,
        length: Duration,
    ) -> Result<bool, StoreError>;

    /// Gives a lease back, if it is this owner's.
    async fn release(&self, key: &ConversationKey, owner: &str) -> Result<(), StoreError>;

    /// Adds `hold` to what a tenant has spent in a day, if the sum lies within `cap` (equal is within): one atomic
    /// read-compare-add on the (tenant, day) entry, which begins at zero, over all processes; durable when it
    /// answers. False: nothing was added. Whoever dies before settling leaves the hold standing, as the call may
    /// have been paid for. An error means that the hold may stand or not: take it as refused.
    async fn reserve(&self, tenant: &TenantId, day: UtcDay, hold: Spend, cap: &SpendCap) -> Result<bool, StoreError>;

    /// Replaces a hold of [`Self::reserve`] by what was really spent: adds `spent` - `held` to the same entry in one
    /// atomic step, durable when it answers; the entry never falls below zero. Not idempotent, so it is never
    /// repeated: after an error the hold stands. There is no cap here: what is spent is spent.
    async fn settle(&self, tenant: &TenantId, day: UtcDay, held: Spend, spent: Spend) -> Result<(), StoreError>;

    /// What a tenant has spent in a day, standing holds included; zero where nothing is known.
    async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<Spend, StoreError>;

    /// Removes everything derived from a conversation.
    async fn erase(&self, key: &ConversationKey) -> Result<(), StoreError>;

    /// How far a named reader of the log has come.
    async fn checkpoint(&self, reader: &str) -> Result<ArrivalMark, StoreError>;

    /// Remembers how far a named reader has come.
    async fn save_checkpoint(&self, reader: &str, mark: &ArrivalMark) -> Result<(), StoreError>;

    /// Counts a failed attempt at a conversation; answers how many there were in a row.
    async fn failed(&self, letter: &DeadLetter) -> Result<u32, StoreError>;

    /// Forgets failures of a conversation after a success. Cheap when there are none.
    async fn succeeded(&self, key: &ConversationKey) -> Result<(), StoreError>;

    /// Conversations that failed at least `attempts` times in a row.
    async fn dead_letters(&self, attempts: u32, limit: usize) -> Result<Vec<DeadLetter>, StoreError>;

    /// Whether the views can be served now, for readiness.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// A view with what is kept beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationRow {
    /// Which conversation.
    pub key: ConversationKey,
    /// Folded from the log.
    pub view: ConversationView,
    /// Its newest summary; none where that was taken back.
    pub summary: Option<SummaryPointer>,
    /// The newest number given to a version; zero before the first.
    pub version: Version,
    /// Another number each time that summaries were taken back.
    pub epoch: u64,
}

impl ConversationRow {
    /// Whether there was a summary, and it was taken back.
    #[must_use]
    pub fn retracted(&self) -> bool {
        self.summary.is_none() && self.version > Version::ZERO
    }
}

/// Moves one conversation's view forward.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionStep {
    /// Which conversation.
    pub key: ConversationKey,
    /// What the view was made from: its `applied_seq` and digest; `None` when there was no view.
    pub from: Option<(Seq, Digest)>,
    /// The view after the step.
    pub view: ConversationView,
    /// What the step adds to its users' participations; each user once.
    pub participations: Vec<ParticipationDelta>,
    /// The view was folded from the first record, and the participations are all there are, in place of those known.
    pub whole: bool,
}

/// What a step adds to one user's row in one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParticipationDelta {
    /// Who.
    pub user: UserId,
    /// The earliest timestamp among the new messages.
    pub first: Timestamp,
    /// The latest timestamp among them.
    pub last: Timestamp,
    /// The message that has it (of several the one with the highest seq).
    pub last_seq: Seq,
    /// How many.
    pub messages: u64,
}

/// Whether a compare-and-set took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CasOutcome {
    /// It did.
    Applied,
    /// Somebody else was faster: reload.
    Stale,
}

/// Which conversations of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// Only ids that contain this text (case-sensitive).
    pub contains: Option<String>,
    /// After so many.
    pub offset: u64,
    /// At most so many.
    pub limit: usize,
}

/// Which conversations of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Active at this time or later.
    pub start: Option<Timestamp>,
    /// Active at this time or earlier.
    pub end: Option<Timestamp>,
    /// After so many.
    pub offset: u64,
    /// At most so many.
    pub limit: usize,
}

/// A user's part in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// Where.
    pub conversation: ConversationId,
    /// The user's first post, by timestamp.
    pub first: Timestamp,
    /// The user's last post, by timestamp.
    pub last: Timestamp,
    /// The record of the last post.
    pub last_seq: Seq,
    /// How many posts.
    pub messages: u64,
    /// The record of the conversation's newest message.
    pub latest_seq: Seq,
}

/// What a gist was made from, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GistKey {
    /// Digest of the records or gists it was made from.
    pub content: Digest,
    /// Engine and prompt version.
    pub maker: CompactString,
}

/// A range of records, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub first: Seq,
    /// The last.
    pub last: Seq,
}

impl Span {
    /// Whether one of these lies in it; they ascend.
    #[must_use]
    pub fn holds_any(self, seqs: &[Seq]) -> bool {
        seqs.get(seqs.partition_point(|seq| *seq < self.first)).is_some_and(|seq| *seq <= self.last)
    }
}

/// Work on a conversation that keeps failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Which conversation.
    pub key: ConversationKey,
    /// The hop that failed.
    pub hop: String,
    /// Why, without any text of the conversation.
    pub reason: String,
    /// When it last failed.
    pub at: Timestamp,
    /// How often in a row.
    pub attempts: u32,
}
