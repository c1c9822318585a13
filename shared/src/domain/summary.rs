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
    /// The last record covered: a message, or the change of one. Every message up to it is covered, as it is since.
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
    /// The wanted engine is back, and a fallback had written the version before.
    Redo,
    /// A message that the version before had covered was edited or erased.
    Change,
}

/// What a version cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens sent to a model; 0 for the local engine.
    pub tokens_in: u64,
    /// Tokens that a model wrote.
    pub tokens_out: u64,
}

/// Why a fallback engine answered for the wanted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FallbackReason {
    /// The tenant's budget of the day is spent.
    Cap,
    /// The model did not answer, or not usefully.
    Unavailable,
    /// The endpoint refused: key, model or account.
    Refused,
    /// The text did not fit, however small it was cut.
    TooLarge,
}

impl FallbackReason {
    /// As in metrics and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::TooLarge => "too_large",
        }
    }
}

/// A part of a model's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DroppedPart {
    /// A sentence of the brief or detailed text.
    Sentence,
    /// A keyword.
    Keyword,
    /// An action item.
    ActionItem,
    /// The owner of an action item that stays.
    Owner,
    /// The due date of an action item that stays.
    Due,
    /// A decision.
    Decision,
    /// An open question.
    Question,
    /// A link or markup, of which the words stay.
    Markup,
}

/// Why a part of a model's answer was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// It cites no message of the covered range.
    NoEvidence,
    /// It shares no name, number or key term with the messages that it cites.
    Unrelated,
    /// It holds a name, number, date, or link that stands nowhere in the text.
    Unfounded,
    /// It does not follow from the message's own time.
    Unresolved,
    /// It speaks of these instructions, not of the conversation.
    Instructions,
    /// Links and markup are never shown.
    Unsafe,
    /// More than a summary holds.
    TooMany,
}

/// How many parts of a model's answer were dropped, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Which part.
    pub part: DroppedPart,
    /// Why.
    pub reason: DropReason,
    /// How many of them.
    pub count: u32,
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
    /// Why, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<FallbackReason>,
    /// Why it was made.
    pub trigger: Trigger,
    /// What it cost.
    pub usage: Usage,
    /// What of the engine's answers failed the checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
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
    /// True where a fallback engine wrote it: it is made again when the wanted one is back.
    #[serde(default)]
    pub degraded: bool,
}

impl SummaryVersion {
    /// The pointer to this version.
    #[must_use]
    pub fn pointer(&self) -> SummaryPointer {
        SummaryPointer {
            version: self.version,
            covers: self.covers,
            generated_at: self.generated_at,
            degraded: self.degraded,
        }
    }
}
