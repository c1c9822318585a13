//! Engines that write summaries (summarize).

use async_trait::async_trait;
use compact_str::CompactString;
use thiserror::Error;

use super::store_error::Source;
use crate::domain::{Seq, SummaryContent, Timestamp, Usage, UserId};

/// Turns messages into summaries.
///
/// Laws:
/// 1. What it says is made from the messages given, and evidence names their seqs only.
/// 2. A gist has a bounded size; gists merge into one of the same bound, so that any length of conversation is
///    folded from few of them.
/// 3. It holds no state of a conversation: the caller keeps gists under [`Self::maker`].
/// 4. Every call ends within a limit of its own.
#[async_trait]
pub trait Summarizer: Send + Sync + 'static {
    /// As shown to users: `local`, or `openai:<model>`.
    fn engine(&self) -> CompactString;

    /// Engine and version of its prompts or rules: gists of another maker are not used.
    fn maker(&self) -> CompactString;

    /// The essence of a closed segment.
    async fn gist(&self, segment: &[SummaryMessage]) -> Result<Gisted, SummarizerError>;

    /// The essence of several gists, in order.
    async fn merge(&self, gists: &[Gist]) -> Result<Gisted, SummarizerError>;

    /// The summary of gists and the messages after them.
    async fn fold(&self, gists: &[Gist], tail: &[SummaryMessage]) -> Result<Folded, SummarizerError>;
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
}

/// A summary and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Folded {
    /// What it says.
    pub content: SummaryContent,
    /// Its cost.
    pub usage: Usage,
    /// The engine that really wrote it.
    pub engine: CompactString,
    /// True where a fallback wrote it.
    pub degraded: bool,
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
}

impl SummarizerError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
