//! How a summary is shown: the reference's fields, then ours. The same for HTTP and for sockets.

use serde::{Serialize, Serializer};
use shared::domain::{ConversationKey, Coverage, FallbackReason, SummaryVersion, Timestamp, UserId, Version};
use shared::projections::Participant;
use shared_insights::{ActionItem, ActionStatus, Finding, Sentiment};

/// Which text of a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SummaryType {
    /// A few sentences.
    #[default]
    Brief,
    /// Several paragraphs.
    Detailed,
}

/// The body of `POST /chats/summarize`, of `GET …/summary`, and of a `summary` frame.
#[derive(Debug, Serialize)]
pub struct SummaryBody<'a> {
    /// `summary` on a socket.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub frame: Option<&'static str>,
    conversation_id: &'a str,
    summary: &'a str,
    insights: InsightsBody<'a>,
    generated_at: Timestamp,
    summary_type: SummaryType,
    covers: Coverage,
    engine: &'a str,
    degraded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded_reason: Option<FallbackReason>,
    version: Version,
    /// Messages in the log that are not covered, where that was looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_messages: Option<u64>,
}

/// What a summary says beside its text.
#[derive(Debug, Serialize)]
pub struct InsightsBody<'a> {
    sentiment: Sentiment,
    keywords: &'a [String],
    action_items: OpenItems<'a>,
    sentiment_score: f64,
    decisions: &'a [Finding],
    open_questions: &'a [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    participants: Option<Participants<'a>>,
    action_item_details: &'a [ActionItem],
}

/// The texts of what is still to be done.
#[derive(Debug)]
struct OpenItems<'a>(&'a [ActionItem]);

/// Who wrote how much.
#[derive(Debug, Clone, Copy)]
pub struct Participants<'a>(pub &'a [Participant]);

#[derive(Serialize)]
struct ParticipantBody<'a> {
    user_id: &'a UserId,
    message_count: u64,
}

impl<'a> SummaryBody<'a> {
    /// Shows one text of a version.
    #[must_use]
    pub fn new(
        key: &'a ConversationKey,
        version: &'a SummaryVersion,
        summary_type: SummaryType,
        participants: &'a [Participant],
    ) -> Self {
        Self {
            frame: None,
            conversation_id: key.conversation.as_str(),
            summary: text(version, summary_type),
            insights: InsightsBody::new(version, Some(Participants(participants))),
            generated_at: version.generated_at,
            summary_type,
            covers: version.covers,
            engine: &version.engine,
            degraded: version.degraded,
            degraded_reason: version.fallback,
            version: version.version,
            stale_messages: None,
        }
    }
}

/// The text of that type.
#[must_use]
pub fn text(version: &SummaryVersion, summary_type: SummaryType) -> &str {
    match summary_type {
        SummaryType::Brief => &version.content.brief,
        SummaryType::Detailed => &version.content.detailed,
    }
}

impl<'a> InsightsBody<'a> {
    /// Of a version; without participants where they would be those of another moment.
    #[must_use]
    pub fn new(version: &'a SummaryVersion, participants: Option<Participants<'a>>) -> Self {
        let content = &version.content;
        Self {
            sentiment: content.sentiment.class,
            keywords: &content.keywords,
            action_items: OpenItems(&content.action_items),
            sentiment_score: content.sentiment.score,
            decisions: &content.decisions,
            open_questions: &content.open_questions,
            participants,
            action_item_details: &content.action_items,
        }
    }
}

impl Serialize for OpenItems<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let open = self.0.iter().filter(|item| item.status == ActionStatus::Open);
        serializer.collect_seq(open.map(|item| item.text.as_str()))
    }
}

impl Serialize for Participants<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bodies = self.0.iter().map(|one| ParticipantBody { user_id: &one.user, message_count: one.messages });
        serializer.collect_seq(bodies)
    }
}
