//! Lists: all conversations, and those of a user.

use serde_json::json;

use super::Paths;
use super::operation::Operation;
use super::parameters::{limit, query, shared};
use crate::schema::read_date;

pub(super) fn describe(paths: &mut Paths) {
    paths.add("get", "/chats", conversations());
    paths.add("get", "/users/{user_id}/chats", user_history());
}

fn conversations() -> Operation {
    let contains = json!({ "type": "string", "maxLength": 256 });
    let example = json!({
        "conversations": [{
            "conversation_id": "conv_12345",
            "message_count": 1,
            "participant_count": 1,
            "participants": [{ "user_id": "user_1", "message_count": 1 }],
            "last_message": { "content": "Hello there!", "user_id": "user_1", "timestamp": "2023-01-01T12:00:00Z" },
            "first_at": "2023-01-01T12:00:00Z",
            "last_at": "2023-01-01T12:00:00Z",
            "sentiment": "neutral",
            "sentiment_score": 0.0,
            "trend": [0.0],
            "ended": null,
            "stale_messages": 1,
            "summary_version": null,
        }],
        "total_conversations": 1,
        "page": 1,
        "limit": 50,
        "total_pages": 1,
    });
    Operation::counted("Lists", "listConversations", "read", "List all conversations")
        .told("Newest message first. Follows a post within moments.")
        .parameters(vec![
            shared("Page"),
            limit(50, 100),
            query(
                "contains",
                contains,
                "Only conversations whose id holds this text, upper and lower case told apart.",
            ),
        ])
        .json("A page of conversations.", "ConversationsResponse", &example)
}

fn user_history() -> Operation {
    let example = json!({
        "user_id": "user_1",
        "conversations": [{
            "conversation_id": "conv_12345",
            "last_message": "Hello there!",
            "timestamp": "2023-01-01T12:00:00Z",
            "message_count": 1,
            "latest": { "content": "Hello there!", "user_id": "user_1", "timestamp": "2023-01-01T12:00:00Z" },
        }],
        "total_conversations": 1,
        "page": 1,
        "limit": 10,
        "total_pages": 1,
    });
    Operation::counted("Lists", "listUserChats", "read", "List the conversations of a user")
        .told(
            "Those that the user has posted in, latest post first. An unknown user has an empty list. Follows a post \
             within moments.",
        )
        .parameters(vec![
            shared("Page"),
            limit(10, 100),
            query(
                "start_date",
                read_date(""),
                "Conversations in which the user was active on or after this date or time.",
            ),
            query(
                "end_date",
                read_date(""),
                "Conversations in which the user was active up to this time, or to the end of this date.",
            ),
        ])
        .json("A page of conversations.", "UserHistoryResponse", &example)
}
