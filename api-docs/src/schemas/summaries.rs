//! Summaries as they are shown: by request, by version, and in frames.

use serde_json::{Value, json};

use crate::schema::{
    Field, closed, field, flag, id, list, optional, or_null, reference, score, short_list, text, whole, words,
    written_time,
};

/// The most participants that are counted by name.
const LISTED_PARTICIPANTS: usize = 64;

/// Those that frames use too.
pub(crate) fn shared() -> [(&'static str, Value); 9] {
    [
        ("SummaryType", words("`brief`: a few sentences; `detailed`: several paragraphs.", &["brief", "detailed"])),
        ("Sentiment", words("How it sounds as a whole.", &["positive", "neutral", "negative"])),
        ("Participant", participant()),
        ("ActionItem", action_item()),
        ("Finding", finding()),
        ("Coverage", coverage()),
        ("Engine", engine()),
        ("SummaryInsights", closed("What the conversation came to.", insights(true))),
        ("Evidence", list(whole(1, ""), "The `seq` of the messages that say so, ascending.")),
    ]
}

/// Those of HTTP alone.
pub(crate) fn of_routes() -> [(&'static str, Value); 6] {
    let mut stored = summary();
    stored.push(field("stale_messages", whole(0, "How many messages came since and are not covered.")));
    let version_insights =
        closed("As in a summary, without participants, who are counted for now only.", insights(false));
    [
        ("SummarizeRequest", summarize_request()),
        ("Summary", closed("A summary that covers every message.", summary())),
        ("StoredSummary", closed("The newest stored summary.", stored)),
        ("VersionInsights", version_insights),
        ("SummaryVersion", version()),
        ("SummariesResponse", versions()),
    ]
}

/// The fields of a summary, the reference's first.
pub(crate) fn summary() -> Vec<Field> {
    vec![
        field("conversation_id", id("Of which conversation.")),
        field("summary", text("The text, of the type asked for.")),
        field("insights", reference("SummaryInsights")),
        field("generated_at", written_time("When it was made.")),
        field("summary_type", reference("SummaryType")),
        field("covers", reference("Coverage")),
        field("engine", reference("Engine")),
        field("degraded", flag("True where a fallback engine answered for the wanted one.")),
        optional("degraded_reason", degraded_reason()),
        field("version", whole(1, "Versions ascend by one.")),
    ]
}

fn insights(with_participants: bool) -> Vec<Field> {
    let mut fields = vec![
        field("sentiment", reference("Sentiment")),
        field("keywords", list(text(""), "Best first.")),
        field("action_items", list(text(""), "The texts of what is still open.")),
        field("sentiment_score", score("-1 (worst) to 1 (best).")),
        field("decisions", list(reference("Finding"), "What was settled.")),
        field("open_questions", list(reference("Finding"), "What was asked and not answered.")),
    ];
    if with_participants {
        let told = "Who wrote how much: the first 64 who posted.";
        fields.push(field("participants", short_list(reference("Participant"), LISTED_PARTICIPANTS, told)));
    }
    let details = list(reference("ActionItem"), "What is to be done, was done or was taken back.");
    fields.push(field("action_item_details", details));
    fields
}

fn participant() -> Value {
    closed("", vec![field("user_id", id("Who.")), field("message_count", whole(1, "How many messages."))])
}

fn action_item() -> Value {
    let due = closed(
        "By when.",
        vec![
            field("date", json!({ "type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$" })),
            field("words", text("The words that it was read from.")),
        ],
    );
    closed(
        "",
        vec![
            field("text", text("What is to be done.")),
            field("owner", json!({ "type": ["string", "null"], "description": "Who does it." })),
            field("due", or_null(due)),
            field("status", words("Where it stands.", &["open", "done", "superseded"])),
            field("evidence", reference("Evidence")),
        ],
    )
}

fn finding() -> Value {
    closed("", vec![field("text", text("What was decided or asked.")), field("evidence", reference("Evidence"))])
}

fn coverage() -> Value {
    let digest = json!({
        "type": "string",
        "pattern": "^[0-9a-f]{64}$",
        "description": "The conversation's chained SHA-256 at `last_seq`: equal digests mean equal messages.",
    });
    closed(
        "Exactly the messages that it was made from.",
        vec![
            field("first_seq", whole(1, "The first.")),
            field("last_seq", whole(1, "The last; every message between is covered too.")),
            field("messages", whole(1, "How many.")),
            field("digest", digest),
        ],
    )
}

fn engine() -> Value {
    json!({ "type": "string", "pattern": "^(local|openai:.+)$", "description": "Who wrote it: `local` or `openai:<model>`." })
}

fn summarize_request() -> Value {
    let mut kind = json!({ "type": ["string", "null"], "enum": ["brief", "detailed", null], "default": "brief" });
    kind["description"] = "Which text.".into();
    closed("", vec![field("conversation_id", id("What to summarize.")), optional("summary_type", kind)])
}

fn version() -> Value {
    let usage = closed(
        "What it cost; 0 for the local engine.",
        vec![
            field("tokens_in", whole(0, "Tokens sent to a model.")),
            field("tokens_out", whole(0, "Tokens that a model wrote.")),
        ],
    );
    let trigger = "Why it was made: enough new messages, a silence, the end, somebody asked, or the model is back.";
    closed(
        "One version.",
        vec![
            field("version", whole(1, "Versions ascend by one.")),
            field("summary", text("The text, of the type asked for.")),
            field("insights", reference("VersionInsights")),
            field("generated_at", written_time("When it was made.")),
            field("summary_type", reference("SummaryType")),
            field("covers", reference("Coverage")),
            field("engine", reference("Engine")),
            field("prompt_version", text("Which prompts, or which rules of the local engine.")),
            field("degraded", flag("True where a fallback engine answered for the wanted one.")),
            optional("degraded_reason", degraded_reason()),
            field("trigger", words(trigger, &["count", "silence", "end", "demand", "redo", "change"])),
            field("usage", usage),
            optional("dropped", list(dropped(), "What of the model's answers failed the checks.")),
            field("latency_ms", whole(0, "How long it took, in milliseconds.")),
        ],
    )
}

fn degraded_reason() -> Value {
    let told = "Why, where it is: the budget of the day is spent, the model does not answer, its endpoint refuses, or \
                the text did not fit.";
    words(told, &["cap", "unavailable", "refused", "too_large"])
}

fn dropped() -> Value {
    let parts = ["sentence", "keyword", "action_item", "owner", "due", "decision", "question", "markup"];
    let reasons = ["no_evidence", "unrelated", "unfounded", "unresolved", "instructions", "unsafe", "too_many"];
    closed(
        "",
        vec![
            field("part", words("Which part.", &parts)),
            field("reason", words("Why.", &reasons)),
            field("count", whole(1, "How many.")),
        ],
    )
}

fn versions() -> Value {
    closed(
        "",
        vec![
            field("conversation_id", id("Of which conversation.")),
            field("summaries", list(reference("SummaryVersion"), "Newest first.")),
            field("total_summaries", whole(0, "How many versions there are.")),
            field("page", whole(1, "The page asked for.")),
            field("limit", whole(1, "How many versions a page holds.")),
            field("total_pages", whole(0, "How many pages there are.")),
        ],
    )
}
