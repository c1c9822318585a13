//! `/openapi.json`: HTTP. Law: every route of the server is here with every status that it answers with.

mod chats;
pub(crate) mod headers;
mod lists;
mod operation;
mod operators;
mod parameters;
mod summaries;
mod users;

use serde_json::{Map, Value, json};
use shared::config::MessageLimits;

use crate::errors::ErrorResponses;
use crate::schemas;
use operation::Operation;

/// What concerns all operations.
const ABOUT: &str = include_str!("about.md");

/// Operations by path, and the error responses that they share.
#[derive(Default)]
struct Paths {
    paths: Map<String, Value>,
    errors: ErrorResponses,
}

impl Paths {
    /// Describes one method of a path.
    fn add(&mut self, method: &str, path: &str, operation: Operation) {
        let operation = operation.build(&mut self.errors);
        let item = self.paths.entry(path.to_owned()).or_insert_with(|| json!({ "parameters": parameters::of(path) }));
        item[method] = operation;
    }
}

/// The document, for a server with these limits.
#[must_use]
pub fn openapi(limits: &MessageLimits) -> Value {
    let mut paths = Paths::default();
    chats::describe(&mut paths);
    summaries::describe(&mut paths);
    lists::describe(&mut paths);
    users::describe(&mut paths);
    operators::describe(&mut paths);
    let Paths { paths, mut errors } = paths;
    // Any path can be unknown, and any path refuses other methods: no operation of its own says so.
    errors.of(&[shared::error_code::ErrorCode::NotFound, shared::error_code::ErrorCode::MethodNotAllowed]);
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Recap",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Chat messages in, an honest and current summary of every conversation out.",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/", "description": "The server that gave this document." }],
        "tags": [
            { "name": "Chats", "description": "Storing, reading, ending and erasing conversations." },
            { "name": "Summaries", "description": "What conversations came to, and which messages that was made from." },
            { "name": "Lists", "description": "Conversations of a user, and all of them." },
            { "name": "Users", "description": "All that a user wrote, handed out and erased. They need the scope `admin`." },
            { "name": "Live", "description": "Updates while people write." },
            { "name": "Operators", "description": "Health, metrics, documents and pages. They need no key and are not counted." },
        ],
        "security": operation::security(None),
        "paths": paths,
        "components": {
            "schemas": schemas::of_http(limits),
            "responses": errors.into_components(),
            "parameters": parameters::components(),
            "headers": headers::components(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "rk_…",
                    "description": "`Authorization: Bearer rk_…`",
                },
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`X-API-Key: rk_…`" },
            },
        },
    })
}
