//! Notices, announcements and requests between the services (publish and push).

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::store_error::Source;
use crate::domain::{ConversationKey, Seq, Version};

/// Carries hints from hop to hop. Nothing that must not be lost travels only here.
///
/// Laws:
/// 1. A notice may be lost, doubled, late or out of order; whoever takes it looks at the log.
/// 2. `notify` and `announce` never wait and never fail: what cannot be sent is coalesced or dropped and counted.
/// 3. Queues are bounded. Notices of one conversation are coalesced to the highest seq.
/// 4. A notice that was not acknowledged is delivered again.
/// 5. `ask` answers within its deadline.
#[async_trait]
pub trait EventBus: Send + Sync + 'static {
    /// A conversation has reached a seq.
    fn notify(&self, notice: Notice);

    /// How many notices wait to be sent.
    fn pending(&self) -> usize;

    /// A stream of notices. Several streams share the notices between them.
    async fn notices(&self) -> Result<Box<dyn NoticeStream>, BusError>;

    /// Tells all query-apis about something new.
    fn announce(&self, announcement: Announcement);

    /// All announcements from now on. Bounded: a reader that falls behind gets `Lagged` and must look at the views.
    async fn announcements(&self) -> Result<tokio::sync::broadcast::Receiver<Announcement>, BusError>;

    /// Asks a worker for a summary now.
    async fn ask(&self, ask: SummarizeAsk, deadline: Duration) -> Result<SummarizeReply, BusError>;

    /// The worker's side of [`Self::ask`]. Several streams share the asks between them.
    async fn asks(&self) -> Result<Box<dyn SummarizeAskStream>, BusError>;

    /// Whether the bus is connected, for readiness.
    async fn ping(&self) -> Result<(), BusError>;
}

/// A conversation has reached a seq.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Which conversation.
    pub key: ConversationKey,
    /// Up to where.
    pub seq: Seq,
}

/// Something new for listeners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Announcement {
    /// The view moved on.
    Projected {
        /// Which conversation.
        key: ConversationKey,
        /// Up to where.
        seq: Seq,
    },
    /// A new summary is stored.
    Summarized {
        /// Which conversation.
        key: ConversationKey,
        /// Which version.
        version: Version,
    },
    /// The conversation ended and its last summary is stored.
    Ended {
        /// Which conversation.
        key: ConversationKey,
    },
    /// The conversation was erased.
    Erased {
        /// Which conversation.
        key: ConversationKey,
    },
    /// Summaries were taken back, since a message was edited or erased.
    Retracted {
        /// Which conversation.
        key: ConversationKey,
        /// The newest version made before; nothing up to it is shown any more.
        version: Version,
    },
    /// A model is writing: the text so far.
    Partial {
        /// Which conversation.
        key: ConversationKey,
        /// The text so far.
        text: String,
    },
}

impl Announcement {
    /// The conversation it is about.
    #[must_use]
    pub fn key(&self) -> &ConversationKey {
        match self {
            Self::Projected { key, .. }
            | Self::Summarized { key, .. }
            | Self::Ended { key }
            | Self::Erased { key }
            | Self::Retracted { key, .. }
            | Self::Partial { key, .. } => key,
        }
    }
}

/// A request for a summary that covers at least `at_least`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SummarizeAsk {
    /// Which conversation.
    pub key: ConversationKey,
    /// The last message that must be covered.
    pub at_least: Seq,
}

/// What a worker says to an ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum SummarizeReply {
    /// This version is stored and covers what was asked.
    Stored {
        /// Which version.
        version: Version,
    },
    /// The conversation has gone.
    Gone,
    /// It could not be made now.
    Failed,
}

/// A stream of notices.
#[async_trait]
pub trait NoticeStream: Send {
    /// The next notices, at least one and at most `most`; waits for the first.
    async fn next(&mut self, most: usize) -> Result<Vec<Delivery>, BusError>;
}

/// A notice to be acknowledged. Dropped without a word, it is delivered again.
pub struct Delivery {
    /// What it says.
    pub notice: Notice,
    /// Told what became of it.
    pub receipt: Box<dyn Receipt>,
}

/// Says what became of a notice.
#[async_trait]
pub trait Receipt: Send {
    /// Done: forget it.
    async fn ack(self: Box<Self>);
    /// Not now: deliver it again after this long.
    async fn retry_later(self: Box<Self>, delay: Duration);
}

/// The worker's side of asks.
#[async_trait]
pub trait SummarizeAskStream: Send {
    /// The next ask; waits for it.
    async fn next(&mut self) -> Result<(SummarizeAsk, Box<dyn SummarizeAnswer>), BusError>;
}

/// Takes the answer to an ask.
#[async_trait]
pub trait SummarizeAnswer: Send {
    /// Answers; a caller that has gone is no error.
    async fn answer(self: Box<Self>, reply: SummarizeReply);
}

/// Why the bus did not serve.
#[derive(Debug, Clone, Error)]
pub enum BusError {
    /// Away: the same call may succeed later.
    #[error("the bus is not available")]
    Unavailable(#[source] Option<Source>),
    /// Nobody answered within the deadline.
    #[error("no answer in time")]
    Timeout,
    /// Too many asks wait already.
    #[error("too many requests wait")]
    Overloaded,
    /// The bus was closed for shutdown.
    #[error("the bus is closed")]
    Closed,
}

impl BusError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Closed)
    }
}
