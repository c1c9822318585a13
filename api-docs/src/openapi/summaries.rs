//! Summaries: made on request, stored, in versions, and live.

use serde_json::{Value, json};
use shared::error_code::ErrorCode;

use super::operation::Operation;
use super::parameters::{limit, query, shared};
use super::{Paths, headers};
use crate::schema::id;

pub(super) fn describe(paths: &mut Paths) {
    paths.add("post", "/chats/summarize", summarize());
    paths.add("get", "/chats/{conversation_id}/summary", newest());
    paths.add("get", "/chats/{conversation_id}/summaries", versions());
    paths.add("get", "/ws/summarize", listen());
}

fn example() -> Value {
    json!({
        "conversation_id": "conv_12345",
        "summary": "The conversation began with greetings. Ana said that she will schedule a follow-up by Friday.",
        "insights": {
            "sentiment": "positive",
            "keywords": ["hello", "meeting", "project"],
            "action_items": ["Schedule follow-up"],
            "sentiment_score": 0.4,
            "decisions": [{ "text": "We meet again on Friday.", "evidence": [3] }],
            "open_questions": [],
            "participants": [{ "user_id": "ana", "message_count": 3 }],
            "action_item_details": [{
                "text": "Schedule follow-up",
                "owner": "ana",
                "due": { "date": "2023-01-06", "words": "by Friday" },
                "status": "open",
                "evidence": [2],
            }],
        },
        "generated_at": "2023-01-01T12:05:00Z",
        "summary_type": "brief",
        "covers": {
            "first_seq": 1,
            "last_seq": 3,
            "messages": 3,
            "digest": "5c2f1a90d1d2b6cf3b1c2f3f5a8e0f1d4c6b7a8990a1b2c3d4e5f60718293a4b",
        },
        "engine": "local",
        "degraded": false,
        "version": 1,
    })
}

fn summarize() -> Operation {
    let body = json!({ "conversation_id": "meeting_123", "summary_type": "detailed" });
    Operation::counted("Summaries", "summarize", "read", "Summarize a conversation")
        .told(
            "Answers from the stored summary when that covers every message, and makes one otherwise. Equal requests \
             at the same time share one run.",
        )
        .body("SummarizeRequest", true, &body)
        .json("A summary that covers every message.", "Summary", &example())
        .errors(&[ErrorCode::ConversationNotFound, ErrorCode::SummaryNotFound])
}

fn newest() -> Operation {
    let mut stored = example();
    stored["stale_messages"] = 0.into();
    Operation::counted("Summaries", "readSummary", "read", "Read the stored summary")
        .told("Never makes one; says in `stale_messages` how many messages came since.")
        .parameters(vec![shared("SummaryType")])
        .json("The newest summary.", "StoredSummary", &stored)
        .errors(&[ErrorCode::ConversationNotFound, ErrorCode::SummaryNotFound])
}

fn versions() -> Operation {
    let mut version = example();
    if let Some(version) = version.as_object_mut() {
        version.remove("conversation_id");
        version.insert("prompt_version".to_owned(), "1".into());
        version.insert("trigger".to_owned(), "demand".into());
        version.insert("usage".to_owned(), json!({ "tokens_in": 0, "tokens_out": 0 }));
        version.insert("latency_ms".to_owned(), 4.into());
    }
    if let Some(insights) = version["insights"].as_object_mut() {
        insights.remove("participants");
    }
    let example = json!({
        "conversation_id": "conv_12345",
        "summaries": [version],
        "total_summaries": 1,
        "page": 1,
        "limit": 20,
        "total_pages": 1,
    });
    Operation::counted("Summaries", "listSummaries", "read", "List all versions of the summary")
        .told("Newest first. A conversation without a summary has an empty list.")
        .parameters(vec![shared("Page"), limit(20, 100), shared("SummaryType")])
        .json("A page of versions.", "SummariesResponse", &example)
        .errors(&[ErrorCode::ConversationNotFound])
}

fn listen() -> Operation {
    let since = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
    let partial = json!({ "type": "string", "enum": ["0", "1"], "default": "1" });
    Operation::counted("Live", "listen", "read", "Listen to a conversation")
        .told(
            "A WebSocket (RFC 6455). Its frames are described in [/asyncapi.json](/asyncapi.json). Name the \
             conversation here or in the first text frame. A browser, which can set no header, sends its key as the \
             subprotocol `recap.key.rk_…`.",
        )
        .parameters(vec![
            query("conversation_id", id(""), "Which conversation; it need not exist yet."),
            shared("SummaryType"),
            query("since_version", since, "The version that the client has: only newer ones are sent."),
            query("partial", partial, "`0` switches `partial` frames off."),
        ])
        .answer(101, json!({ "description": "The connection is a WebSocket now.", "headers": headers::of_upgrade() }))
}
