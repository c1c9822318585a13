//! The words that all hops share. A value of these types is already valid.

pub mod audit;
pub mod caller;
pub mod digest;
pub mod ids;
pub mod numbers;
pub mod record;
pub mod spend;
pub mod summary;
pub mod timestamp;

pub use audit::{ActId, Actor, AuditEntry, Deed, Outcome, UserDigest};
pub use caller::{ApiKey, ApiKeyHash, Caller, CallerId, Scope, Scopes};
pub use digest::Digest;
pub use ids::{ConversationId, ConversationKey, IdError, MessageId, TenantId, UserId};
pub use numbers::{Seq, Version};
pub use record::{EditMark, EndReason, Metadata, Posted, Record, RecordBody, Salt, Trace, weight};
pub use spend::{Spend, SpendCap, UtcDay};
pub use summary::{
    Coverage, DropReason, Dropped, DroppedPart, FallbackReason, SummaryContent, SummaryPointer, SummaryVersion,
    Trigger, Usage,
};
pub use timestamp::{DateBound, Timestamp, TimestampError};
