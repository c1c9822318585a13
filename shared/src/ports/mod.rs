//! The traits behind which engines are exchanged. Each has its laws in its doc comment, and one
//! conformance suite in `shared-testkit` that every adapter passes.

use std::sync::Arc;

pub mod audit_log;
pub mod chat_model;
pub mod clock;
pub mod event_bus;
pub mod key_store;
pub mod message_log;
pub mod rate_limiter;
pub mod store_error;
pub mod summarizer;
pub mod user_erasures;
pub mod view_store;

pub use audit_log::{AuditLog, AuditMark, AuditPage};
pub use chat_model::{ChatError, ChatFinish, ChatModel, ChatProgress, ChatReply, ChatRequest, Refusal, ReplySchema};
pub use clock::{Clock, IdSource};
pub use event_bus::{
    Announcement, BusError, Delivery, EventBus, Notice, NoticeStream, SummarizeAnswer, SummarizeAsk,
    SummarizeAskStream, SummarizeReply,
};
pub use key_store::KeyStore;
pub use message_log::{
    Append, AppendError, Appended, ArrivalMark, Arrivals, Condition, ConversationMark, Conversations, Draft, Edit,
    Entry, Head, Idempotency, MessageLog, Order, Page, PageQuery, PageStart, Position, Reach, Written, WrittenMark,
};
pub use rate_limiter::{Quota, RateDecision, RateLimiter};
pub use store_error::StoreError;
pub use summarizer::{
    Folded, Gist, Gisted, Material, News, SegmentSize, Summarizer, SummarizerError, SummaryMessage, SummaryRun,
};
pub use user_erasures::{Demand, ErasureState, Held, MOST_DEMANDS, UserErasure, UserErasures};
pub use view_store::{
    CasOutcome, ConversationRow, DeadLetter, GistKey, HistoryQuery, HistoryRow, ListQuery, ParticipationDelta,
    ProjectionStep, Span, ViewStore,
};

/// All ports of a process, opened once and handed to each hop.
#[derive(Clone)]
pub struct Ports {
    /// The truth.
    pub log: Arc<dyn MessageLog>,
    /// What is derived from it.
    pub views: Arc<dyn ViewStore>,
    /// API keys.
    pub keys: Arc<dyn KeyStore>,
    /// Who erased and exported what.
    pub audit: Arc<dyn AuditLog>,
    /// Users whose messages are to go.
    pub user_erasures: Arc<dyn UserErasures>,
    /// Hints between hops.
    pub bus: Arc<dyn EventBus>,
    /// Request limits.
    pub limiter: Arc<dyn RateLimiter>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Random ids.
    pub ids: Arc<dyn IdSource>,
}
