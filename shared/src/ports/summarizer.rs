//! Engines that write summaries (summarize).

use async_trait::async_trait;
use compact_str::CompactString;
use thiserror::Error;

use super::store_error::Source;
use crate::domain::{
    ConversationKey, Dropped, FallbackReason, Seq, SummaryContent, SummaryVersion, Timestamp, Trigger, Usage, UserId,
};

/// Turns messages into summaries.
///
/// Laws:
/// 1. What it says is made from the messages given, and evidence names their seqs only.
/// 2. A gist has a bounded size; gists merge into one of the same bound, so that any length of conversation is
///    folded from few of them.
/// 3. It holds no state of a conversation: the caller keeps gists under [`Self::maker`].
/// 4. Every call ends within a limit of its own.
/// 5. The run's tenant pays, and nobody else; nothing of one conversation reaches another's summary.
#[async_trait]
pub trait Summarizer: Send + Sync + 'static {
    /// As shown to users: `local`, or `openai:<model>`.
    fn engine(&self) -> CompactString;

    /// Engine and version of its prompts or rules: gists of another maker are not used.
    fn maker(&self) -> CompactString;

    /// How long a segment gets.
    fn segment(&self) -> SegmentSize {
        SegmentSize::default()
    }

    /// The essence of a closed segment.
    async fn gist(&self, run: &SummaryRun, segment: &[SummaryMessage]) -> Result<Gisted, SummarizerError>;

    /// The essence of several gists, in order.
    async fn merge(&self, run: &SummaryRun, gists: &[Gist]) -> Result<Gisted, SummarizerError>;

    /// The gist of a segment whose parts' gists are given, in order, put together at no cost; `None` where that would
    /// not be a gist.
    fn join(&self, parts: &[Gist]) -> Option<Gist> {
        let _ = parts;
        None
    }

    /// Whether it writes on from the version before, in a call that makes gists of the rest of a segment and of the tail.
    /// Else it is given no rest.
    fn writes_on(&self, run: &SummaryRun, material: &Material<'_>) -> bool {
        let _ = (run, material);
        false
    }

    /// The summary of a whole conversation.
    async fn fold(&self, run: &SummaryRun, material: &Material<'_>) -> Result<Folded, SummarizerError>;
}

/// When a segment of a conversation is long enough to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentSize {
    /// With so many messages,
    pub messages: usize,
    /// if they come to so many tokens,
    pub least_tokens: usize,
    /// or with the message that brings it to so many, however few they are.
    pub most_tokens: usize,
}

impl Default for SegmentSize {
    fn default() -> Self {
        Self { messages: 40, least_tokens: 0, most_tokens: 3_000 }
    }
}

impl SegmentSize {
    /// Whether the next message begins another segment.
    #[must_use]
    pub const fn is_full(&self, messages: usize, tokens: usize) -> bool {
        tokens >= self.most_tokens || messages >= self.messages && tokens >= self.least_tokens
    }
}

/// Whose summary is being made, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryRun {
    /// Which conversation; its tenant pays.
    pub key: ConversationKey,
    /// Why.
    pub trigger: Trigger,
}

/// What a summary is made from.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// Gists that stand for all messages but the rest and the tail, in order.
    pub gists: &'a [Gist],
    /// The messages after them that end a segment.
    pub rest: &'a [SummaryMessage],
    /// The messages after these, which no gist stands for either.
    pub tail: &'a [SummaryMessage],
    /// What has come since the version before, where that is known. It is then enough to write on from there.
    pub news: Option<News<'a>>,
}

/// What has come since a version of the same maker.
#[derive(Debug, Clone, Copy)]
pub struct News<'a> {
    /// The version before.
    pub before: &'a SummaryVersion,
    /// Gists of what came since, but for the rest and the tail.
    pub gists: &'a [Gist],
    /// Bytes of text that came since a summary was last made from the whole material.
    pub since_whole: u64,
}

/// A message as engines see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryMessage {
    /// Its place, for evidence.
    pub seq: Seq,
    /// Who wrote it.
    pub user: UserId,
    /// The text.
    pub content: Box<str>,
    /// When.
    pub timestamp: Timestamp,
}

/// An engine's own note about a part of a conversation, as JSON that only its maker reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gist(pub Box<str>);

/// A gist and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gisted {
    /// The gist.
    pub gist: Gist,
    /// Its cost.
    pub usage: Usage,
    /// What of the engine's answer failed the checks.
    pub dropped: Vec<Dropped>,
}

/// A summary and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// What it says.
    pub content: SummaryContent,
    /// Its cost.
    pub usage: Usage,
    /// What of the engine's answer failed the checks.
    pub dropped: Vec<Dropped>,
    /// The gist of the rest, if there was one.
    pub rest: Option<Gist>,
    /// The gist of the tail, if the engine made one on the way.
    pub notes: Option<Gist>,
    /// Whether it was made from the whole material, not written on from the version before.
    pub whole: bool,
}

/// Why there is no summary.
#[derive(Debug, Clone, Error)]
pub enum SummarizerError {
    /// The engine is away or busy: later.
    #[error("the engine is not available")]
    Unavailable(#[source] Option<Source>),
    /// The input is too large for it: smaller segments.
    #[error("the input is too large for the engine")]
    TooLarge,
    /// It will never work like this.
    #[error("the engine refused: {0}")]
    Refused(String),
    /// The tenant's budget of the day is spent.
    #[error("the budget of the day is spent")]
    Cap,
}

impl SummarizerError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Cap)
    }

    /// What it says about a version that a fallback engine writes because of it.
    #[must_use]
    pub fn fallback(&self) -> FallbackReason {
        match self {
            Self::Unavailable(_) => FallbackReason::Unavailable,
            Self::TooLarge => FallbackReason::TooLarge,
            Self::Refused(_) => FallbackReason::Refused,
            Self::Cap => FallbackReason::Cap,
        }
    }
}
