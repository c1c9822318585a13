//! `/users/{user_id}` and below: all that a user wrote, listed, handed out and erased.

use serde_json::json;
use shared::error_code::ErrorCode;

use super::operation::Operation;
use super::{Paths, headers};
use crate::schema::{reference, text};

pub(super) fn describe(paths: &mut Paths) {
    paths.add("get", "/users/{user_id}/export", export());
    paths.add("delete", "/users/{user_id}", erase());
    paths.add("get", "/users/{user_id}/erasure", erasure());
}

fn export() -> Operation {
    let line = "{\"conversation_id\":\"conv_12345\",\"user_id\":\"user_1\",\"timestamp\":\"2023-01-01T12:00:00Z\",\
                \"message_id\":\"seq:1\",\"content\":\"Hello there!\"}\n";
    let content = json!({ "application/x-ndjson": { "schema": text("One JSON object a line."), "example": line } });
    let headers = headers::of_counted(&[]);
    Operation::counted("Users", "exportUser", "admin", "Export all that a user wrote")
        .told(
            "Every message of the user in all conversations, one JSON object a line, by conversation and then in order \
             of arrival: what `recap import` takes. A message that has no `message_id` gets one made from its `seq`. \
             Follows a post within moments. An answer that breaks off is not whole. No message of that user: 404 \
             `not_found`.",
        )
        .answer(200, json!({ "description": "Lines.", "headers": headers, "content": content }))
        .errors(&[ErrorCode::NotFound])
}

fn erase() -> Operation {
    let example = json!({ "user_id": "user_1", "state": "running", "asked_at": "2023-01-01T12:00:00Z" });
    let content = json!({ "application/json": { "schema": reference("UserErasureDemanded"), "example": example } });
    let answer = json!({
        "description": "It will be done, whatever crashes.",
        "headers": headers::of_counted(&[]),
        "content": content,
    });
    Operation::counted("Users", "eraseUser", "admin", "Erase all that a user wrote")
        .told(
            "Every message of the user that was received up to `asked_at`, in all conversations, is erased as by \
             `DELETE` of each, and so is all that was made from it; what the user posts later stays. The answer comes \
             once the demand is on disk, also where the user has written nothing; \
             `GET /users/{user_id}/erasure` tells when it is done. Repeated, it demands the same for all that was \
             received since.",
        )
        .answer(202, answer)
}

fn erasure() -> Operation {
    let example = json!({
        "user_id": "user_1",
        "state": "done",
        "asked_at": "2023-01-01T12:00:00Z",
        "finished_at": "2023-01-01T12:00:02Z",
    });
    Operation::counted("Users", "readUserErasure", "admin", "Ask how far the erasure of a user has come")
        .told(
            "`done`: no message, view, summary, gist or cache holds anything that the user wrote up to `asked_at`, and \
             the user's history is without it. Never demanded: 404 `not_found`.",
        )
        .json("The latest erasure.", "UserErasureResponse", &example)
        .errors(&[ErrorCode::NotFound])
}
