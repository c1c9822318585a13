//! What the frames say. Each is encoded once, header included.

use bytes::Bytes;
use serde::Serialize;
use shared::domain::{ConversationKey, EndReason, SummaryVersion, Timestamp};
use shared::ports::ConversationRow;
use shared::projections::Participant;
use shared_insights::Sentiment;
use shared_service::ApiError;

use super::board::SummaryFrame;
use super::wire;
use crate::query::SummaryType;
use crate::query::summary_body::{Participants, SummaryBody};

/// Participants shown in an `insights` frame.
const SHOWN_PARTICIPANTS: usize = 8;
/// Keywords shown in an `insights` frame.
const SHOWN_KEYWORDS: usize = 10;

#[derive(Serialize)]
struct InsightsFrame<'a> {
    #[serde(rename = "type")]
    frame: &'static str,
    conversation_id: &'a str,
    message_count: u64,
    participant_count: u64,
    participants: Participants<'a>,
    sentiment: Sentiment,
    sentiment_score: f64,
    trend: Vec<f64>,
    keywords: Vec<String>,
    questions: u64,
    stale_messages: u64,
}

#[derive(Serialize)]
struct PartialFrame<'a> {
    #[serde(rename = "type")]
    frame: &'static str,
    conversation_id: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct EndedFrame<'a> {
    #[serde(rename = "type")]
    frame: &'static str,
    conversation_id: &'a str,
    reason: Ending,
}

/// Why there is nothing more to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// Somebody ended it.
    Requested,
    /// Nobody wrote for a while.
    Idle,
    /// It was erased, with all that was derived from it.
    Erased,
}

impl From<EndReason> for Ending {
    fn from(reason: EndReason) -> Self {
        match reason {
            EndReason::Requested => Self::Requested,
            EndReason::Idle => Self::Idle,
        }
    }
}

/// A `summary` frame: the body of `POST /chats/summarize`.
pub fn summary(
    key: &ConversationKey,
    version: &SummaryVersion,
    summary_type: SummaryType,
    participants: &[Participant],
) -> Result<SummaryFrame, serde_json::Error> {
    let mut body = SummaryBody::new(key, version, summary_type, participants);
    body.frame = Some("summary");
    Ok(SummaryFrame { version: version.version, generated_at: version.generated_at, bytes: wire::json(&body)? })
}

/// An `insights` frame: numbers that need no model.
pub fn insights(row: &ConversationRow, participant_count: u64) -> Result<Bytes, serde_json::Error> {
    let view = &row.view;
    let sentiment = view.insights.sentiment();
    let covered = row.summary.map_or(0, |pointer| pointer.covers.messages);
    let shown = view.participants.len().min(SHOWN_PARTICIPANTS);
    wire::json(&InsightsFrame {
        frame: "insights",
        conversation_id: row.key.conversation.as_str(),
        message_count: view.messages,
        participant_count,
        participants: Participants(&view.participants[..shown]),
        sentiment: sentiment.class,
        sentiment_score: sentiment.score,
        trend: view.insights.trend(),
        keywords: view.insights.keywords(SHOWN_KEYWORDS),
        questions: view.insights.questions(),
        stale_messages: view.messages.saturating_sub(covered),
    })
}

/// A `partial` frame: the text so far of a summary that a model is writing.
pub fn partial(key: &ConversationKey, text: &str) -> Result<Bytes, serde_json::Error> {
    wire::json(&PartialFrame { frame: "partial", conversation_id: key.conversation.as_str(), text })
}

/// The `ended` frame.
pub fn ended(key: &ConversationKey, reason: Ending) -> Result<Bytes, serde_json::Error> {
    wire::json(&EndedFrame { frame: "ended", conversation_id: key.conversation.as_str(), reason })
}

/// An `error` frame: the error body with a type.
#[must_use]
pub fn error(error: &ApiError, now: Timestamp) -> Bytes {
    let body = error.body(now);
    let members = body.strip_prefix(b"{").unwrap_or_default();
    wire::text(&[br#"{"type":"error","#.as_slice(), members].concat())
}
