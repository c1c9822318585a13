//! Response headers. Law: `required` is said of those that every such response carries.

use serde_json::{Map, Value, json};

use crate::schema::{always, text, words};

/// By the name under which responses carry them.
fn all() -> Vec<(&'static str, bool, Value)> {
    let pattern =
        |pattern: &str, description: &str| json!({ "type": "string", "pattern": pattern, "description": description });
    vec![
        ("x-request-id", true, pattern("^[A-Za-z0-9._-]{1,128}$", "Names the request in the server's log.")),
        ("x-content-type-options", true, always("nosniff")),
        ("strict-transport-security", false, text("There where the answer came by TLS.")),
        (
            "cache-control",
            true,
            text("`no-store` for data; pages and documents are asked for again; versioned assets are kept."),
        ),
        (
            "ratelimit-policy",
            false,
            pattern(r#"^"default";q=\d+;w=60$"#, "Requests a minute: `\"default\";q=100;w=60`."),
        ),
        (
            "ratelimit",
            false,
            pattern(
                r#"^"default";r=\d+;t=\d+$"#,
                "What remains, and in how many seconds one more is free: `\"default\";r=99;t=1`.",
            ),
        ),
        ("retry-after", true, pattern(r"^[1-9]\d*$", "Seconds.")),
        ("allow", true, text("The methods that the path takes.")),
        ("www-authenticate", true, always("Bearer realm=\"recap\"")),
        ("idempotency-replayed", false, words("There where this request was stored by an earlier one.", &["true"])),
        ("etag", true, text("For `If-None-Match`.")),
        ("vary", false, text("What the answer depends on.")),
        ("content-security-policy", true, text("Only this origin's script and style may run.")),
        ("referrer-policy", true, always("no-referrer")),
        ("cross-origin-opener-policy", true, always("same-origin")),
        ("cross-origin-resource-policy", true, always("same-origin")),
        ("connection", true, text("`upgrade`")),
        ("upgrade", true, always("websocket")),
        ("sec-websocket-accept", true, text("RFC 6455.")),
        ("sec-websocket-protocol", false, text("One of those offered, where any was.")),
        ("sec-websocket-version", false, text("`13`, where another version was asked for.")),
    ]
}

/// Of every response.
const ALWAYS: [&str; 3] = ["x-request-id", "x-content-type-options", "strict-transport-security"];
/// Of what is counted.
const COUNTED: [&str; 3] = ["cache-control", "ratelimit-policy", "ratelimit"];
/// Of pages.
const GUARD: [&str; 4] =
    ["content-security-policy", "referrer-policy", "cross-origin-opener-policy", "cross-origin-resource-policy"];

/// The components that [`refer`] refers to.
pub(crate) fn components() -> Map<String, Value> {
    let told = |(name, required, schema): (&str, bool, Value)| {
        (name.to_owned(), json!({ "required": required, "schema": schema }))
    };
    all().into_iter().map(told).collect()
}

fn refer(names: impl IntoIterator<Item = &'static str>) -> Value {
    let headers: Map<String, Value> = names
        .into_iter()
        .map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })))
        .collect();
    headers.into()
}

/// Of a counted answer.
pub(crate) fn of_counted(more: &[&'static str]) -> Value {
    refer(ALWAYS.into_iter().chain(COUNTED).chain(more.iter().copied()))
}

/// Of what operators ask.
pub(crate) fn of_fresh() -> Value {
    refer(ALWAYS.into_iter().chain(["cache-control"]))
}

/// Of a document that is kept and asked for again.
pub(crate) fn of_document() -> Value {
    refer(ALWAYS.into_iter().chain(["cache-control", "etag"]))
}

/// Of a page or a part of it.
pub(crate) fn of_page() -> Value {
    refer(ALWAYS.into_iter().chain(["cache-control", "etag", "vary"]).chain(GUARD))
}

/// Of an upgraded connection.
pub(crate) fn of_upgrade() -> Value {
    let handshake = ["connection", "upgrade", "sec-websocket-accept", "sec-websocket-protocol"];
    refer(ALWAYS.into_iter().chain(handshake).chain(["ratelimit-policy", "ratelimit"]))
}

/// Of an error. `cache-control` is not promised: open routes leave it out.
pub(crate) fn of_error(status: u16) -> Value {
    let own = match status {
        400 => Some("sec-websocket-version"),
        401 => Some("www-authenticate"),
        405 => Some("allow"),
        429 | 503 => Some("retry-after"),
        _ => None,
    };
    let mut headers = refer(ALWAYS.into_iter().chain(["ratelimit-policy", "ratelimit"]).chain(own));
    headers["cache-control"] = json!({ "schema": always("no-store") });
    headers
}
