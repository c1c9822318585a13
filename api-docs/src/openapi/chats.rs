//! `/chats` and below: storing, reading, ending, erasing.

use serde_json::{Value, json};
use shared::error_code::ErrorCode;

use super::operation::Operation;
use super::parameters::{limit, query, shared};
use super::{Paths, headers};
use crate::schema::{read_date, text};

pub(super) fn describe(paths: &mut Paths) {
    paths.add("post", "/chats", post_chats());
    paths.add("get", "/chats/{conversation_id}", read_chat("readConversation", "a conversation"));
    paths.add("delete", "/chats/{conversation_id}", delete_chat("eraseConversation", "a conversation"));
    // A conversation may have the name of a route.
    let odd = "the conversation named summarize";
    paths.add("get", "/chats/summarize", read_chat("readConversationNamedSummarize", odd));
    paths.add("delete", "/chats/summarize", delete_chat("eraseConversationNamedSummarize", odd));
    paths.add("post", "/chats/{conversation_id}/end", post_end());
}

fn post_chats() -> Operation {
    let body = json!({
        "conversation_id": "meeting_123",
        "user_id": "john_doe",
        "messages": [
            { "content": "Hello team!", "timestamp": "2023-01-01T09:00:00" },
            { "content": "Let's discuss the project", "timestamp": "2023-01-01T09:01:00" },
        ],
    });
    let example = json!({ "status": "success", "inserted_count": 2, "conversation_id": "meeting_123" });
    let content = json!({
        "application/json": { "schema": crate::schema::reference("PostChatsResponse"), "example": example },
    });
    Operation::counted("Chats", "postChats", "write", "Store messages")
        .told(
            "Answers once the messages are on disk. All or nothing: one bad message rejects the request, and the \
             error names every fault. After a 503, a request with an `Idempotency-Key` or with `message_id`s may \
             always be sent again.",
        )
        .parameters(vec![shared("IdempotencyKey")])
        .body("PostChatsRequest", true, &body)
        .answer(
            200,
            json!({
                "description": "Stored, now or by an equal request before.",
                "headers": headers::of_counted(&["idempotency-replayed"]),
                "content": content,
            }),
        )
        .errors(&[ErrorCode::QuotaExceeded, ErrorCode::Conflict, ErrorCode::IdempotencyMismatch])
}

fn read_chat(id: &str, which: &str) -> Operation {
    let order = json!({ "type": "string", "enum": ["asc", "desc"], "default": "asc" });
    let example = json!({
        "conversation_id": "conv_12345",
        "messages": [{ "content": "Hello there!", "timestamp": "2023-01-01T12:00:00Z", "user_id": "user_1", "seq": 1 }],
        "page": 1,
        "total_pages": 1,
        "limit": 50,
        "total_messages": 1,
        "next_cursor": null,
    });
    Operation::counted("Chats", id, "read", &format!("Read the messages of {which}"))
        .told("In the order of `timestamp`, ties in the order of arrival. Sees what was acknowledged before.")
        .parameters(vec![
            shared("Page"),
            limit(50, 500),
            query(
                "cursor",
                text(""),
                "`next_cursor` of the page before; stands instead of `page`, and reads on with its order and range.",
            ),
            query("order", order, "Oldest or newest first."),
            query("since", read_date(""), "From this date or time on, included."),
            query("until", read_date(""), "Up to this time, or to the end of this date."),
            query(
                "around_seq",
                json!({ "type": "integer", "minimum": 1, "maximum": u64::MAX }),
                "The page with the message of this `seq` in its middle; stands instead of `page`, `cursor`, `since` \
                 and `until`. No such message: 404 `not_found`.",
            ),
        ])
        .json("A page of messages.", "HistoryResponse", &example)
        .errors(&[ErrorCode::InvalidCursor, ErrorCode::ConversationNotFound, ErrorCode::NotFound])
}

fn delete_chat(id: &str, which: &str) -> Operation {
    Operation::counted("Chats", id, "write", &format!("Erase {which}"))
        .told("Erases messages, views and summaries, tells listeners, and closes their sockets.")
        .answer(204, json!({ "description": "Erased.", "headers": headers::of_counted(&[]) }))
        .errors(&[ErrorCode::ConversationNotFound])
}

fn post_end() -> Operation {
    let example: Value = json!({ "status": "success", "conversation_id": "meeting_123" });
    Operation::counted("Chats", "endConversation", "write", "End a conversation")
        .told(
            "A last summary is made, listeners get it, and their sockets close. Idempotent; a later message opens \
             the conversation again. A conversation also ends by itself after 30 minutes without a message, where \
             the server is not set otherwise. The body may be left out.",
        )
        .body("EmptyRequest", false, &json!({}))
        .json("Ended, now or before.", "EndResponse", &example)
        .errors(&[ErrorCode::ConversationNotFound])
}
