//! What bodies and frames look like. Law: one schema for one thing, however many routes show it.

mod lists;
mod messages;
mod push;
mod summaries;

use serde_json::{Map, Value};
use shared::config::MessageLimits;

use crate::errors;

/// Of HTTP.
pub(crate) fn of_http(limits: &MessageLimits) -> Map<String, Value> {
    let mut schemas = common();
    add(&mut schemas, [("Error", errors::body())]);
    add(&mut schemas, messages::schemas(limits));
    add(&mut schemas, summaries::of_routes());
    add(&mut schemas, lists::schemas());
    schemas
}

/// Of the WebSocket.
pub(crate) fn of_push() -> Map<String, Value> {
    let mut schemas = common();
    add(&mut schemas, push::schemas());
    schemas
}

fn common() -> Map<String, Value> {
    let mut schemas = Map::new();
    add(&mut schemas, errors::schemas());
    add(&mut schemas, summaries::shared());
    schemas
}

fn add(schemas: &mut Map<String, Value>, more: impl IntoIterator<Item = (&'static str, Value)>) {
    schemas.extend(more.into_iter().map(|(name, schema)| (name.to_owned(), schema)));
}
