//! Frames of the WebSocket.

use serde_json::{Value, json};

use super::lists::{SHOWN_PARTICIPANTS, trend};
use super::summaries;
use crate::schema::{always, closed, field, id, optional, reference, score, short_list, text, whole, words};

/// The most keywords in an `insights` frame.
const SHOWN_KEYWORDS: usize = 10;

pub(crate) fn schemas() -> [(&'static str, Value); 6] {
    let mut summary = vec![field("type", always("summary"))];
    summary.extend(summaries::summary());
    [
        ("ListenFrame", listen()),
        ("SummaryFrame", closed("The body of `POST /chats/summarize`, for whatever is covered by now.", summary)),
        ("InsightsFrame", insights()),
        ("PartialFrame", partial()),
        ("EndedFrame", ended()),
        ("ErrorFrame", error()),
    ]
}

fn listen() -> Value {
    let kind = json!({ "type": ["string", "null"], "enum": ["brief", "detailed", null], "description": "Which text." });
    let since = json!({
        "type": ["integer", "null"],
        "minimum": 0,
        "description": "The version that the client has: only newer ones are sent.",
    });
    let partial = json!({
        "enum": [true, false, 0, 1, null],
        "description": "Whether `partial` frames are wanted.",
    });
    let key = json!({
        "type": ["string", "null"],
        "pattern": "^rk_",
        "maxLength": 256,
        "description": "A key, from a client that can set neither header nor subprotocol. It wins over being anonymous.",
    });
    closed(
        "What to listen to. What it leaves out stays as the query said.",
        vec![
            field("conversation_id", id("Which conversation; it need not exist yet.")),
            optional("summary_type", kind),
            optional("since_version", since),
            optional("partial", partial),
            optional("key", key),
        ],
    )
}

fn insights() -> Value {
    let shown = short_list(reference("Participant"), SHOWN_PARTICIPANTS, "The first 8 who posted.");
    closed(
        "Numbers that need no model.",
        vec![
            field("type", always("insights")),
            field("conversation_id", id("Which.")),
            field("message_count", whole(0, "How many messages.")),
            field("participant_count", whole(0, "How many users posted.")),
            field("participants", shown),
            field("sentiment", reference("Sentiment")),
            field("sentiment_score", score("-1 (worst) to 1 (best).")),
            field("trend", trend()),
            field("keywords", short_list(text(""), SHOWN_KEYWORDS, "Best first.")),
            field("questions", whole(0, "How many messages ask something.")),
            field("stale_messages", whole(0, "How many messages no summary covers yet.")),
        ],
    )
}

fn partial() -> Value {
    closed(
        "The text so far of a summary that a model is still writing.",
        vec![
            field("type", always("partial")),
            field("conversation_id", id("Which.")),
            field("text", text("All of it so far.")),
        ],
    )
}

fn ended() -> Value {
    let reason = "Somebody ended it, nobody wrote for a while, or it was erased.";
    closed(
        "The last frame; then close 1000 `conversation ended`.",
        vec![
            field("type", always("ended")),
            field("conversation_id", id("Which.")),
            field("reason", words(reason, &["requested", "idle", "erased"])),
        ],
    )
}

/// The body of HTTP errors with a type.
fn error() -> Value {
    closed(
        "What went wrong; then close 1008, or 1013 when trying again later helps.",
        vec![field("type", always("error")), field("detail", reference("ErrorDetail"))],
    )
}
