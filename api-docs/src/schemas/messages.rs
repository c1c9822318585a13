//! Bodies of posting, reading and ending.

use serde_json::{Value, json};
use shared::config::MessageLimits;

use crate::schema::{
    always, closed, field, id, list, optional, or_null, read_time, reference, text, whole, written_time,
};

pub(crate) fn schemas(limits: &MessageLimits) -> [(&'static str, Value); 9] {
    [
        ("PostChatsRequest", post_chats(limits)),
        ("NewMessage", new_message(limits)),
        ("PostChatsResponse", posted()),
        ("Message", message()),
        ("HistoryResponse", history()),
        ("PatchMessageRequest", patch(limits)),
        ("EmptyRequest", closed("No fields.", Vec::new())),
        ("EndResponse", ended()),
        ("Metadata", metadata(limits)),
    ]
}

fn post_chats(limits: &MessageLimits) -> Value {
    let mut messages = list(reference("NewMessage"), "In the order in which they were said. All are stored, or none.");
    messages["minItems"] = 1.into();
    messages["maxItems"] = limits.max_messages.into();
    let mut body = closed(
        &format!("Messages for one conversation; at most {} bytes in all.", limits.max_body_bytes),
        vec![
            optional("conversation_id", or_null(id("Left out, the server makes `conv_…` and returns it."))),
            optional("user_id", or_null(id("Who wrote them; may be left out when every message names its own."))),
            field("messages", messages),
        ],
    );
    let named = json!({ "required": ["user_id"], "properties": { "user_id": { "type": "string" } } });
    let each = json!({ "properties": { "messages": { "items": named } } });
    body["anyOf"] = json!([named, each]);
    body
}

fn new_message(limits: &MessageLimits) -> Value {
    let most = limits.max_content_bytes;
    let mut content = text(&format!("The text: 1 to {most} bytes of UTF-8."));
    content["minLength"] = 1.into();
    content["maxLength"] = most.into();
    let time =
        read_time("RFC 3339 with any offset; without a zone UTC; `T` or a space. Left out: the time of receipt.");
    closed(
        "",
        vec![
            field("content", content),
            optional("timestamp", or_null(time)),
            optional("metadata", or_null(reference("Metadata"))),
            optional(
                "message_id",
                or_null(id("Your own name for it: posted again with the same content, it is stored once.")),
            ),
            optional("user_id", or_null(id("Who wrote it; stands above the one outside."))),
        ],
    )
}

fn patch(limits: &MessageLimits) -> Value {
    let most = limits.max_content_bytes;
    let mut content = text(&format!("The new text: 1 to {most} bytes of UTF-8."));
    content["minLength"] = 1.into();
    content["maxLength"] = most.into();
    let mut body = closed(
        "What changes; at least one of both.",
        vec![optional("content", content), optional("metadata", or_null(reference("Metadata")))],
    );
    body["minProperties"] = 1.into();
    body
}

fn metadata(limits: &MessageLimits) -> Value {
    let (bytes, depth) = (limits.max_metadata_bytes, limits.max_metadata_depth);
    json!({
        "type": "object",
        "description": format!(
            "Anything of yours, given back as it was sent: at most {bytes} bytes and {depth} levels, no key twice."
        ),
    })
}

fn posted() -> Value {
    closed(
        "The messages are durable.",
        vec![
            field("status", always("success")),
            field("inserted_count", whole(0, "How many messages this request stored.")),
            field("conversation_id", id("Where.")),
            optional(
                "duplicate_count",
                whole(1, "How many were there already by their `message_id`; left out if none."),
            ),
        ],
    )
}

fn message() -> Value {
    closed(
        "",
        vec![
            field("content", text("The text.")),
            field("timestamp", written_time("When it was said.")),
            field("user_id", id("Who wrote it.")),
            field("seq", whole(1, "Its place in the order of arrival.")),
            optional("message_id", id("As posted.")),
            optional("metadata", reference("Metadata")),
            optional("edited_at", written_time("When it was edited last; left out if it says what was posted.")),
        ],
    )
}

fn history() -> Value {
    let cursor = json!({
        "type": ["string", "null"],
        "description": "Reads on at constant cost; `null` where nothing comes after.",
    });
    closed(
        "",
        vec![
            field("conversation_id", id("Which.")),
            field("messages", list(reference("Message"), "In the order of `timestamp`, ties in the order of arrival.")),
            optional("page", whole(1, "The page asked for; left out where a cursor was sent.")),
            field("total_pages", whole(0, "How many pages of this limit there are.")),
            field("limit", whole(1, "How many messages a page holds.")),
            field("total_messages", whole(0, "How many messages lie within `since` and `until`.")),
            field("next_cursor", cursor),
            optional(
                "previous_cursor",
                text("With `around_seq`: reads on the other way; left out where nothing comes before."),
            ),
            optional(
                "preceding_messages",
                whole(0, "With `around_seq`: how many messages stand before the first one given, in its order."),
            ),
        ],
    )
}

fn ended() -> Value {
    closed(
        "The conversation has ended, now or before.",
        vec![field("status", always("success")), field("conversation_id", id("Which."))],
    )
}
