//! Lists of conversations, erasures of users, and what operators read.

use serde_json::{Value, json};

use crate::schema::{
    always, closed, field, id, list, or_null, reference, score, short_list, text, whole, words, written_time,
};

/// The most participants in a row.
pub(super) const SHOWN_PARTICIPANTS: usize = 8;
/// The most points of a trend.
pub(super) const TREND_POINTS: usize = 32;

pub(crate) fn schemas() -> [(&'static str, Value); 8] {
    [
        ("ConversationsResponse", conversations()),
        ("ConversationRow", row()),
        ("UserHistoryResponse", user_history()),
        ("UserHistoryRow", user_row()),
        ("UserErasureDemanded", erasure_demanded()),
        ("UserErasureResponse", erasure()),
        ("Alive", closed("", vec![field("status", always("alive"))])),
        ("Ready", ready()),
    ]
}

/// The trend of sentiment.
pub(super) fn trend() -> Value {
    short_list(score(""), TREND_POINTS, "Sentiment from the first message to the last, in equal parts.")
}

fn page(rows: crate::schema::Field, first: Vec<crate::schema::Field>) -> Value {
    let mut fields = first;
    fields.extend([
        rows,
        field("total_conversations", whole(0, "How many there are.")),
        field("page", whole(1, "The page asked for.")),
        field("limit", whole(1, "How many rows a page holds.")),
        field("total_pages", whole(0, "How many pages there are.")),
    ]);
    closed("", fields)
}

fn conversations() -> Value {
    page(field("conversations", list(reference("ConversationRow"), "Newest message first.")), Vec::new())
}

fn said(description: &str, content: &str) -> Value {
    closed(
        description,
        vec![
            field("content", text(content)),
            field("user_id", id("Who wrote it.")),
            field("timestamp", written_time("When.")),
        ],
    )
}

fn row() -> Value {
    let ended = json!({
        "type": ["string", "null"],
        "enum": ["requested", "idle", null],
        "description": "Why it ended; `null` while it goes on.",
    });
    let version = json!({
        "type": ["integer", "null"],
        "minimum": 1,
        "description": "The newest summary; `null` where there is none.",
    });
    let shown = short_list(reference("Participant"), SHOWN_PARTICIPANTS, "The first 8 who posted.");
    closed(
        "",
        vec![
            field("conversation_id", id("Which.")),
            field("message_count", whole(0, "How many messages.")),
            field("participant_count", whole(0, "How many users posted.")),
            field("participants", shown),
            field("last_message", or_null(said("The newest message.", "Its text, cut to 280 characters."))),
            field("first_at", or_null(written_time("The earliest `timestamp`."))),
            field("last_at", or_null(written_time("The latest `timestamp`."))),
            field("sentiment", reference("Sentiment")),
            field("sentiment_score", score("-1 (worst) to 1 (best).")),
            field("trend", trend()),
            field("ended", ended),
            field("stale_messages", whole(0, "How many messages no summary covers yet.")),
            field("summary_version", version),
        ],
    )
}

fn user_history() -> Value {
    let rows = field("conversations", list(reference("UserHistoryRow"), "The user's latest post first."));
    page(rows, vec![field("user_id", id("Whose."))])
}

fn user_row() -> Value {
    closed(
        "",
        vec![
            field("conversation_id", id("Which.")),
            field("last_message", text("The user's own last message there.")),
            field("timestamp", written_time("When the user wrote it.")),
            field("message_count", whole(1, "How many messages the user posted there.")),
            field("latest", said("The newest message of the whole conversation.", "Its text.")),
        ],
    )
}

fn erasure_demanded() -> Value {
    closed(
        "",
        vec![
            field("user_id", id("Whose.")),
            field("state", always("running")),
            field("asked_at", written_time("What was received up to then goes.")),
        ],
    )
}

fn erasure() -> Value {
    closed(
        "",
        vec![
            field("user_id", id("Whose.")),
            field("state", words("Whether it is done.", &["running", "done"])),
            field("asked_at", written_time("What was received up to then goes.")),
            field("finished_at", or_null(written_time("When it was done; `null` while it is not."))),
        ],
    )
}

fn ready() -> Value {
    let checks = json!({
        "type": "object",
        "additionalProperties": words("", &["ok"]),
        "description": "Each dependency by name.",
    });
    closed("", vec![field("status", always("ready")), field("checks", checks)])
}
