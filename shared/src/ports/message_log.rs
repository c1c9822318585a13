//! The log of all conversations: the one truth (append, and what project and query read).

use async_trait::async_trait;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::StoreError;
use super::store_error::Source;
use crate::domain::{
    ConversationId, ConversationKey, Digest, EndReason, MessageId, Metadata, Record, Salt, Seq, TenantId, Timestamp,
    UserId,
};

/// Where records are kept.
///
/// Laws:
/// 1. When `append` says yes, the records survive a crash of every process and of the machine.
/// 2. Seqs of a conversation are 1, 2, 3, … in the order of append, without holes.
/// 3. A batch is stored whole or not at all, with its records next to each other.
/// 4. A `message_id` stands at most once in a conversation; an idempotency key, for at least 24 h,
///    at most once in a tenant. A repeat with the same content is answered as `replayed`.
/// 5. Reads see all that was acknowledged before they began.
/// 6. After `erase` answered, no read finds the conversation; a later append begins at seq 1.
/// 7. `late` is set exactly on messages older than the newest timestamp before them.
/// 8. A change ([`Entry::Edited`], [`Entry::Erased`]) and what it does to its message are seen together: whoever reads
///    the change finds the message changed. From then on no read finds what the message said before, and no repost with
///    its `message_id` brings it back: that is answered as a duplicate.
#[async_trait]
pub trait MessageLog: Send + Sync + 'static {
    /// Appends batches, each on its own; outcomes in the same order. One call is part of one commit.
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>>;

    /// How many calls of `append` may be under way for the same conversation: where it is more than one, they are
    /// served in the order in which they were first polled, and the log puts those that wait into one commit.
    fn calls_at_once(&self) -> usize {
        1
    }

    /// Records with `seq >= from`, ascending, at most `limit`.
    async fn read(&self, key: &ConversationKey, from: Seq, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// Single records by their place; those that are not there are `None`.
    async fn records(&self, places: &[(ConversationKey, Seq)]) -> Result<Vec<Option<Record>>, StoreError>;

    /// Messages in order of time. `None` if the conversation does not exist.
    async fn page(&self, key: &ConversationKey, query: &PageQuery) -> Result<Option<Page>, StoreError>;

    /// Where a conversation stands. `None` if it does not exist.
    async fn head(&self, key: &ConversationKey) -> Result<Option<Head>, StoreError>;

    /// What arrived after `mark`, in order of arrival, at most `limit` records looked at. For the reconciler.
    async fn arrivals(&self, mark: &ArrivalMark, limit: usize) -> Result<Arrivals, StoreError>;

    /// All conversations, each once, in an order of the log's own; at most `limit` looked at. One that is erased or
    /// made meanwhile may be among them or not. For checking a whole store: arrivals may be kept for a day only.
    async fn conversations(&self, after: &ConversationMark, limit: usize) -> Result<Conversations, StoreError>;

    /// Erases a conversation and remembers that its views must go, until [`Self::erased`] says that they did.
    /// Answers whether there was one.
    async fn erase(&self, key: &ConversationKey) -> Result<bool, StoreError>;

    /// Erasures whose views may still be there, at most `limit`.
    async fn erasures(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError>;

    /// The views of an erased conversation are gone.
    async fn erased(&self, key: &ConversationKey) -> Result<(), StoreError>;

    /// Messages of a user in all conversations of a tenant that were received up to `until`, in an order of the log's
    /// own, behind a mark; at most `limit`. One call looks at a part of the log only, so it may find none and say
    /// that there is more. Whoever goes on until there is no more has seen every such message that was acknowledged
    /// before the first call, unless it was erased meanwhile. For erasing a user: the whole log is looked at, not views.
    async fn written(
        &self,
        tenant: &TenantId,
        user: &UserId,
        until: Timestamp,
        mark: &WrittenMark,
        limit: usize,
    ) -> Result<Written, StoreError>;

    /// Whether the log can serve now, for readiness.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// One batch for one conversation.
#[derive(Debug, Clone)]
pub struct Append {
    /// Which conversation.
    pub key: ConversationKey,
    /// What to append, in this order: changes of messages, or anything else, not both.
    pub entries: Vec<Entry>,
    /// Stored and compared, if the client gave a key.
    pub idempotency: Option<Idempotency>,
    /// When Recap received it.
    pub received_at: Timestamp,
    /// What must hold for the batch to be appended.
    pub condition: Condition,
}

/// One entry of a batch.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A message.
    Posted(Draft),
    /// The end of the conversation.
    Ended(EndReason),
    /// A message gets another text.
    Edited(Edit),
    /// A message goes. One that has gone already needs no record: nothing is inserted for it.
    Erased(Seq),
}

/// What a message is to say from now on.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Which message.
    pub target: Seq,
    /// The text.
    pub content: Box<str>,
    /// The client's own data about it.
    pub metadata: Option<Metadata>,
    /// Fresh random bytes.
    pub salt: Salt,
}

impl Entry {
    /// The message, if it is one.
    #[must_use]
    pub fn draft(&self) -> Option<&Draft> {
        match self {
            Self::Posted(draft) => Some(draft),
            _ => None,
        }
    }

    /// The message that it changes, if it is a change.
    #[must_use]
    pub fn target(&self) -> Option<Seq> {
        match self {
            Self::Edited(edit) => Some(edit.target),
            Self::Erased(target) => Some(*target),
            Self::Posted(_) | Self::Ended(_) => None,
        }
    }
}

/// A message that has no seq yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Who wrote it.
    pub user: UserId,
    /// The client's own name for it.
    pub message_id: Option<MessageId>,
    /// The text.
    pub content: Box<str>,
    /// When it was written, if the client said so; else the time of receipt holds.
    pub timestamp: Option<Timestamp>,
    /// The client's own data about it.
    pub metadata: Option<Metadata>,
    /// Fresh random bytes.
    pub salt: Salt,
}

/// A client's key that makes a repeated request harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key, unique within the tenant.
    pub key: CompactString,
    /// SHA-256 of the request's body.
    pub body: Digest,
}

/// What must hold for a batch to be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// The conversation exists. If its last record is `Ended`, nothing is appended and that is a success.
    Open,
    /// The conversation's last record is still this one.
    HeadIs(Seq),
}

/// A batch that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The conversation it lies in (for a replay without a conversation id: the one made the first time).
    pub conversation: ConversationId,
    /// How many records this batch stored, the first time.
    pub inserted: u32,
    /// How many of its messages were there already, by their `message_id`.
    pub duplicates: u32,
    /// True when the idempotency key had been seen with the same body.
    pub replayed: bool,
    /// The conversation's last seq after it.
    pub head: Seq,
}

/// A batch that was not appended.
#[derive(Debug, Clone, Error)]
pub enum AppendError {
    /// Message `index` of the batch has a `message_id` that stands for other content.
    #[error("message {index} has the message_id of another message")]
    MessageIdTaken {
        /// Its place in the batch, from 0.
        index: usize,
    },
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another body")]
    IdempotencyMismatch,
    /// [`Condition::Open`]: there is no such conversation.
    #[error("no such conversation")]
    NotFound,
    /// [`Condition::HeadIs`]: something was appended since.
    #[error("the conversation has moved on")]
    HeadMoved,
    /// A change of a record that is no message.
    #[error("record {target} is no message")]
    NoMessage {
        /// Its place.
        target: Seq,
    },
    /// An edit of a message that was erased.
    #[error("message {target} was erased")]
    MessageErased {
        /// Its place.
        target: Seq,
    },
    /// Nothing was stored; the same batch may be sent again.
    #[error("the log is not available")]
    Unavailable(#[source] Option<Source>),
    /// It may have been stored or not; sent again with the same keys, it stands at most once.
    #[error("the log did not confirm the write")]
    Unknown(#[source] Option<Source>),
}

impl AppendError {
    /// Whether the same batch may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Unknown(_))
    }
}

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last record.
    pub seq: Seq,
    /// The last record that is a message, or changes one; zero if there is none.
    pub last_message: Seq,
    /// How many messages there are.
    pub messages: u64,
    /// When the last record was received.
    pub received_at: Timestamp,
    /// Why the conversation ended, if no message came since.
    pub ended: Option<EndReason>,
}

/// Which way a page runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// A message's place in the order of time: by timestamp, then by seq.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// Its seq.
    pub seq: Seq,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// After so many messages of the range. Costs grow with the late messages before it, at most.
    Offset(u64),
    /// Behind this place, in the page's order, whether a message still stands there or not. Constant cost.
    After(Position),
}

/// Which messages of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageQuery {
    /// Which way.
    pub order: Order,
    /// Where it begins.
    pub start: PageStart,
    /// The earliest timestamp, inclusive.
    pub since: Option<Timestamp>,
    /// The latest timestamp, inclusive.
    pub until: Option<Timestamp>,
    /// At most so many messages; at least 1.
    pub limit: usize,
}

/// A page of messages in order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The messages ([`crate::domain::RecordBody::Posted`] only).
    pub records: Vec<Record>,
    /// How many messages the whole range holds.
    pub total: u64,
    /// Whether messages follow behind the last one given.
    pub more: bool,
}

/// How far the reconciler has looked, in the log's own order of arrival. Opaque.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArrivalMark(pub CompactString);

/// A conversation has reached a seq.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Which conversation.
    pub key: ConversationKey,
    /// Its highest seq among the records looked at.
    pub seq: Seq,
}

/// How far all conversations were listed, in the log's own order. Opaque; the empty one is the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConversationMark(pub CompactString);

/// A part of all conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversations {
    /// Which ones.
    pub keys: Vec<ConversationKey>,
    /// Where to go on.
    pub mark: ConversationMark,
    /// Whether there may be more.
    pub more: bool,
}

/// How far the log was looked through for a user, in the log's own order. Opaque; the empty one is the start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WrittenMark(pub CompactString);

/// A part of what a user wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where messages stand.
    pub places: Vec<(ConversationKey, Seq)>,
    /// Where to go on.
    pub mark: WrittenMark,
    /// Whether there may be more.
    pub more: bool,
}

/// What arrived after a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrivals {
    /// Each conversation once.
    pub reached: Vec<Reach>,
    /// Where to go on.
    pub mark: ArrivalMark,
    /// Whether there was more than the limit.
    pub more: bool,
}

impl Append {
    /// The tenant that the batch belongs to.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.key.tenant
    }
}
