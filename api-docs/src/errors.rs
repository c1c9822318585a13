//! Errors: the one body, and the responses that carry it. Law: statuses and names come from [`ErrorCode`], and a new
//! code does not compile until it is explained here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use shared::error_code::ErrorCode;

use crate::openapi::headers;
use crate::schema::{closed, field, optional, reference, short_list, text, written_time};

/// The most entries in `fields`.
const MAX_FIELDS: usize = 20;

/// When a client meets this code, in words for its author.
pub(crate) const fn meaning(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidJson => "The body is not JSON: broken syntax, not UTF-8, or something after the end.",
        ErrorCode::InvalidRequest => "JSON or parameters that the route does not take; `fields` names every fault.",
        ErrorCode::InvalidCursor => "A cursor that this conversation did not give, or not for this order and range.",
        ErrorCode::KeyInUrl => "A key was sent in the URL, where logs would keep it.",
        ErrorCode::Unauthenticated => "A key is needed, or the one sent is not known.",
        ErrorCode::Forbidden => "The key lacks the scope, or a page of another origin asked for a WebSocket.",
        ErrorCode::QuotaExceeded => {
            "The conversation or the tenant would hold more messages than it may; nothing was stored, and waiting does not \
             help."
        }
        ErrorCode::ConversationNotFound => "No such conversation for this caller.",
        ErrorCode::SummaryNotFound => "The conversation has no summary yet, or no message to make one from.",
        ErrorCode::NotFound => "Nothing lies at this path.",
        ErrorCode::MethodNotAllowed => "The path does not take this method; `Allow` names those it takes.",
        ErrorCode::Conflict => "A `message_id` stands for another message of the conversation; nothing was stored.",
        ErrorCode::IdempotencyMismatch => "The `Idempotency-Key` was used with another body; nothing was stored.",
        ErrorCode::PayloadTooLarge => "The body, the URL or the headers are larger than a limit.",
        ErrorCode::UnsupportedMediaType => "The body was not sent as `application/json`.",
        ErrorCode::RateLimited => "Too many requests; `Retry-After` says when to go on.",
        ErrorCode::Internal => "Our fault. The `x-request-id` names it in the server's log.",
        ErrorCode::Unavailable => "A part that the request needs is away for now. Try again.",
        ErrorCode::Overloaded => "Too much work is waiting. Try again.",
        ErrorCode::Timeout => "It took too long. Try again.",
    }
}

/// The body of HTTP errors.
pub(crate) fn body() -> Value {
    closed("The body of every error of every route.", vec![field("detail", reference("ErrorDetail"))])
}

/// `ErrorDetail` and `ErrorCode`.
pub(crate) fn schemas() -> [(&'static str, Value); 2] {
    let names: Vec<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    let told =
        ErrorCode::ALL.iter().map(|&code| format!("- `{}` ({}): {}", code.as_str(), code.status(), meaning(code)));
    let told = told.collect::<Vec<_>>().join("\n");
    let fault = closed(
        "One fault of a request.",
        vec![
            field("path", text("Where: `messages[3].content`, or the name of a parameter or header.")),
            field("error", text("What is wrong, and what would be right.")),
        ],
    );
    let detail = closed(
        "",
        vec![
            field("error", text("What is wrong, and what would be right.")),
            field("code", reference("ErrorCode")),
            field("timestamp", written_time("When.")),
            optional("fields", short_list(fault, MAX_FIELDS, "Every fault, the first 20 of them.")),
        ],
    );
    [("ErrorDetail", detail), ("ErrorCode", json!({ "type": "string", "enum": names, "description": told }))]
}

/// Error responses, each described once however many operations give it.
#[derive(Default)]
pub(crate) struct ErrorResponses(BTreeMap<String, Value>);

impl ErrorResponses {
    /// References to the responses for these codes, by status.
    pub(crate) fn of(&mut self, codes: &[ErrorCode]) -> Map<String, Value> {
        let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
        for &code in ErrorCode::ALL.iter().filter(|code| codes.contains(code)) {
            by_status.entry(code.status()).or_default().push(code);
        }
        let mut responses = Map::new();
        for (status, codes) in by_status {
            let name = codes.iter().map(|code| format!("{code:?}")).collect::<Vec<_>>().join("Or");
            responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
            self.0.entry(name).or_insert_with(|| response(status, &codes));
        }
        responses
    }

    /// All that were referred to.
    pub(crate) fn into_components(self) -> Map<String, Value> {
        self.0.into_iter().collect()
    }
}

fn response(status: u16, codes: &[ErrorCode]) -> Value {
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let told = codes.iter().map(|&code| format!("`{}`: {}", code.as_str(), meaning(code))).collect::<Vec<_>>();
    let examples: Map<String, Value> =
        codes.iter().map(|&code| (code.as_str().to_owned(), json!({ "value": example(code) }))).collect();
    let narrowed = json!({ "properties": { "detail": { "properties": { "code": { "enum": names } } } } });
    let schema = json!({ "allOf": [reference("Error"), narrowed] });
    json!({
        "description": told.join("\n"),
        "headers": headers::of_error(status),
        "content": { "application/json": { "schema": schema, "examples": examples } },
    })
}

fn example(code: ErrorCode) -> Value {
    let mut detail = json!({ "error": meaning(code), "code": code.as_str(), "timestamp": "2023-01-01T12:00:00Z" });
    if code == ErrorCode::InvalidRequest {
        detail["error"] = "messages[3].content: must not be empty".into();
        detail["fields"] = json!([{ "path": "messages[3].content", "error": "must not be empty" }]);
    }
    json!({ "detail": detail })
}
