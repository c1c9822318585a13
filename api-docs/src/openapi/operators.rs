//! What needs no key and is not counted: health, metrics, documents, pages.

use serde_json::{Value, json};
use shared::error_code::ErrorCode;

use super::operation::Operation;
use super::{Paths, headers};
use crate::schema::reference;

pub(super) fn describe(paths: &mut Paths) {
    let apart = "A server may be set to answer this on an address of its own.";
    let fresh = |description: &str, media: &str, schema: Value| json!({ "description": description, "headers": headers::of_fresh(), "content": { media: { "schema": schema } } });
    let alive = fresh("It is.", "application/json", reference("Alive"));
    let ready = fresh("It can.", "application/json", reference("Ready"));
    let metrics = fresh("All metrics.", "text/plain", json!({ "type": "string" }));
    paths.add(
        "get",
        "/healthz",
        Operation::open("isAlive", "Whether the process is alive").told(apart).answer(200, alive),
    );
    let is_ready = Operation::open("isReady", "Whether it can serve")
        .told(&format!("The error names in `fields` each dependency that is away. {apart}"))
        .answer(200, ready)
        .errors(&[ErrorCode::Unavailable]);
    paths.add("get", "/readyz", is_ready);
    let read_metrics = Operation::open("readMetrics", "Metrics for Prometheus").told(apart).answer(200, metrics);
    paths.add("get", "/metrics", read_metrics);

    for (path, id, summary) in [
        ("/openapi.json", "readOpenapi", "This document"),
        ("/asyncapi.json", "readAsyncapi", "The WebSocket, described"),
    ] {
        let content = json!({ "application/json": { "schema": { "type": "object" } } });
        let whole = json!({ "description": "The document.", "headers": headers::of_document(), "content": content });
        let same = json!({ "description": "Not changed.", "headers": headers::of_document() });
        paths.add("get", path, Operation::open(id, summary).answer(200, whole).answer(304, same));
    }
    for (path, id, summary) in [("/", "readDashboard", "The dashboard"), ("/docs", "readDocs", "A page to try the API")]
    {
        paths.add("get", path, page(id, summary, "text/html"));
    }
    let name = json!({ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } });
    let asset = page("readAsset", "A part of these pages", "*/*").parameters(vec![name]).errors(&[ErrorCode::NotFound]);
    paths.add("get", "/assets/{name}", asset);
}

fn page(id: &str, summary: &str, media: &str) -> Operation {
    let content = json!({ media: { "schema": { "type": "string" } } });
    let whole = json!({ "description": "It.", "headers": headers::of_page(), "content": content });
    Operation::open(id, summary)
        .answer(200, whole)
        .answer(304, json!({ "description": "Not changed.", "headers": headers::of_page() }))
}
