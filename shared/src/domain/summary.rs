//! Summaries as they are stored. Law: a version says what it covers and who made it.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Digest, Seq, Timestamp, Version};

/// What an engine says about a conversation: texts, sentiment, keywords, items with evidence.
pub use shared_insights::Summary as SummaryContent;

/// Exactly which messages a summary was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// The first message covered.
    pub first_seq: Seq,
    /// The last message covered; every message between is covered too.
    pub last_seq: Seq,
    /// How many messages that are.
    pub messages: u64,
    /// The conversation's chain at `last_seq`.
    pub digest: Digest,
}

/// Why a version was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// Enough new messages.
    Count,
    /// A silence after new messages.
    Silence,
    /// The conversation ended.
    End,
    /// Somebody asked.
    Demand,
}

/// What a version cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens sent to a model; 0 for the local engine.
    pub tokens_in: u64,
    /// Tokens that a model wrote.
    pub tokens_out: u64,
}

/// One stored summary of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryVersion {
    /// Its number; ascending without holes.
    pub version: Version,
    /// What it was made from.
    pub covers: Coverage,
    /// What it says.
    pub content: SummaryContent,
    /// `local`, or `openai:<model>`.
    pub engine: CompactString,
    /// The version of the prompts, or of the local engine's rules.
    pub prompt_version: CompactString,
    /// True where a fallback engine answered for the wanted one.
    pub degraded: bool,
    /// Why it was made.
    pub trigger: Trigger,
    /// What it cost.
    pub usage: Usage,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// When it was made.
    pub generated_at: Timestamp,
}

/// What a conversation says about its newest summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryPointer {
    /// The newest version.
    pub version: Version,
    /// What it covers.
    pub covers: Coverage,
    /// When it was made.
    pub generated_at: Timestamp,
}

impl SummaryVersion {
    /// The pointer to this version.
    #[must_use]
    pub fn pointer(&self) -> SummaryPointer {
        SummaryPointer { version: self.version, covers: self.covers, generated_at: self.generated_at }
    }
}
