//! Parameters that several operations share.

use serde_json::{Map, Value, json};

use crate::schema::{id, reference};

/// Those of every operation of a path.
pub(crate) fn of(path: &str) -> Value {
    let mut names = vec!["RequestId"];
    if path.contains("{conversation_id}") {
        names.push("ConversationId");
    }
    if path.contains("{user_id}") {
        names.push("UserId");
    }
    names.into_iter().map(shared).collect()
}

/// A reference to one of [`components`].
pub(crate) fn shared(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// A parameter of the query.
pub(crate) fn query(name: &str, schema: Value, description: &str) -> Value {
    let mut parameter = json!({ "name": name, "in": "query", "description": description });
    parameter["schema"] = schema;
    parameter
}

/// How many items a page holds.
pub(crate) fn limit(default: u64, most: u64) -> Value {
    let schema = json!({ "type": "integer", "minimum": 1, "maximum": most, "default": default });
    query("limit", schema, "How many a page holds.")
}

pub(crate) fn components() -> Map<String, Value> {
    let path = |name: &str, told: &str| json!({ "name": name, "in": "path", "required": true, "schema": id(told) });
    let header = |name: &str, pattern: &str, told: &str| json!({ "name": name, "in": "header", "schema": { "type": "string", "pattern": pattern }, "description": told });
    let page = json!({ "type": "integer", "minimum": 1, "maximum": u64::MAX, "default": 1 });
    let kind = json!({ "allOf": [reference("SummaryType")], "default": "brief" });
    let told = "Makes the whole request repeatable for at least 24 hours: the same key and body answer as the first \
                time, with `idempotency-replayed: true`; the same key and another body is 409.";
    // Of no pattern: what the server does not echo is no fault of a request.
    let name = json!({
        "name": "x-request-id",
        "in": "header",
        "schema": { "type": "string" },
        "description": "A name of yours for the request: 1 to 128 of `A-Z a-z 0-9 . _ -`. In place of any other, the \
                        server makes one.",
    });
    let components = [
        ("ConversationId", path("conversation_id", "The conversation, percent-encoded.")),
        ("UserId", path("user_id", "The user, percent-encoded.")),
        ("Page", query("page", page, "Which page.")),
        ("SummaryType", query("summary_type", kind, "Which text.")),
        ("RequestId", name),
        ("IdempotencyKey", header("Idempotency-Key", "^[!-~]{1,255}$", told)),
    ];
    components.into_iter().map(|(name, parameter)| (name.to_owned(), parameter)).collect()
}
