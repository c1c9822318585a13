//! `/asyncapi.json`: the WebSocket. Law: every frame that either side sends is a message here.

use serde_json::{Map, Value, json};

use crate::schema::reference;
use crate::schemas;

const ABOUT: &str = "Name the conversation in the query, or in the first text frame within 5 seconds. Frames are JSON \
text with a `type`. Versions ascend on a socket; a slow listener is sent the newest only, never a growing queue. A \
conversation that does not exist yet may be listened to.

The server pings every 20 seconds; two missed pongs end the connection. It closes with 1000 `conversation ended` after \
`ended`, with 1008 or 1013 after `error`, and with 1001 when it stops: connect again with `since_version`. A client \
sends nothing after its first frame but pongs, at most 64 KiB in a message and 20 frames a second.

A key goes into the header `Authorization: Bearer rk_…` or `X-API-Key: rk_…`; a browser, which can set neither, sends \
the subprotocol `recap.key.rk_…`, and one that can do neither names no conversation in the query and sends `key` in the \
first frame. Where calls without a key are not let in, a socket without one is opened, and closed with \
`unauthenticated` unless its first frame holds a key. A refused upgrade has the error body of every route, described in /openapi.json.";

/// Frames of the server: name, schema, when.
const SENT: [(&str, &str, &str); 5] = [
    ("summary", "SummaryFrame", "At once when one is stored, then each new version."),
    ("insights", "InsightsFrame", "At once, and while messages flow at most one a second."),
    ("partial", "PartialFrame", "While a model writes; `partial=0` switches it off."),
    ("ended", "EndedFrame", "When the conversation ends or is erased."),
    ("error", "ErrorFrame", "When the client did something wrong, or the server cannot go on."),
];

/// The document.
#[must_use]
pub fn asyncapi() -> Value {
    let message = |name: &str, schema: &str, told: &str| json!({ "name": name, "contentType": "application/json", "summary": told, "payload": reference(schema) });
    let mut messages: Map<String, Value> =
        SENT.iter().map(|(name, schema, told)| ((*name).to_owned(), message(name, schema, told))).collect();
    let told = "The first text frame, where the query names no conversation.";
    messages.insert("listen".to_owned(), message("listen", "ListenFrame", told));
    let of_channel: Map<String, Value> = messages
        .keys()
        .map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") })))
        .collect();
    let sent: Vec<Value> = SENT.iter().map(|(name, ..)| json!({ "$ref": channel_message(name) })).collect();
    let channel = json!({ "$ref": "#/channels/summarize" });
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Recap, live",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": { "local": { "host": "localhost:8000", "protocol": "ws", "description": "The default address." } },
        "channels": {
            "summarize": {
                "address": "/ws/summarize",
                "messages": of_channel,
                "bindings": { "ws": { "method": "GET", "query": query(), "bindingVersion": "0.1.0" } },
            },
        },
        "operations": {
            "listen": {
                "action": "receive",
                "channel": channel.clone(),
                "summary": "A client says what it listens to.",
                "messages": [{ "$ref": channel_message("listen") }],
            },
            "push": {
                "action": "send",
                "channel": channel,
                "summary": "The server tells what is new.",
                "messages": sent,
            },
        },
        "components": { "messages": messages, "schemas": schemas::of_push() },
    })
}

fn channel_message(name: &str) -> String {
    format!("#/channels/summarize/messages/{name}")
}

/// What may stand behind the `?`.
fn query() -> Value {
    json!({
        "type": "object",
        "properties": {
            "conversation_id": { "type": "string", "minLength": 1, "maxLength": 256 },
            "summary_type": { "type": "string", "enum": ["brief", "detailed"], "default": "brief" },
            "since_version": { "type": "integer", "minimum": 0 },
            "partial": { "type": "string", "enum": ["0", "1"], "default": "1" },
        },
        "additionalProperties": false,
    })
}
