//! Pieces of JSON Schema that mean the same in `OpenAPI` 3.1 (draft 2020-12) and in `AsyncAPI` 3 (draft 07).
//! Law: an object says all its fields, and takes no other.

use serde_json::{Map, Value, json};

/// Timestamps as they are written: UTC, a fraction only when it is not zero.
const WRITTEN: &str = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$";
/// Days of the calendar in the years 1 to 9999. Not shortened to digits: a schema that lets the 30th of February pass
/// would promise what the server refuses.
macro_rules! day {
    () => {
        concat!(
            "(?:(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-",
            "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|",
            "02-(?:0[1-9]|1[0-9]|2[0-8]))|",
            "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)"
        )
    };
}
/// Times of a day, with a zone or without.
macro_rules! time {
    () => {
        concat!(
            "[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]+)?",
            "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?"
        )
    };
}
/// Timestamps as they are read.
const READ: &str = concat!("^", day!(), time!(), "$");
/// Dates or timestamps as they are read.
const READ_DATE: &str = concat!("^", day!(), "(?:", time!(), ")?$");
/// Unicode without its control characters (category Cc).
const NO_CONTROLS: &str = r"^[^\u0000-\u001F\u007F-\u009F]*$";

/// A field of an object.
pub(crate) struct Field {
    name: &'static str,
    required: bool,
    schema: Value,
}

/// A field that is always there.
pub(crate) fn field(name: &'static str, schema: Value) -> Field {
    Field { name, required: true, schema }
}

/// A field that may be left out.
pub(crate) fn optional(name: &'static str, schema: Value) -> Field {
    Field { name, required: false, schema }
}

/// An object with these fields and no others. `required` keeps the order in which they are written.
pub(crate) fn closed(description: &str, fields: Vec<Field>) -> Value {
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let properties: Map<String, Value> =
        fields.into_iter().map(|field| (field.name.to_owned(), field.schema)).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    explained(schema, description)
}

/// A schema of the document's own.
pub(crate) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Explains a schema, unless there is nothing to say.
fn explained(mut schema: Value, description: &str) -> Value {
    if !description.is_empty() {
        schema["description"] = description.into();
    }
    schema
}

/// Any text.
pub(crate) fn text(description: &str) -> Value {
    explained(json!({ "type": "string" }), description)
}

/// One of a few words.
pub(crate) fn words(description: &str, words: &[&str]) -> Value {
    explained(json!({ "type": "string", "enum": words }), description)
}

/// Always this word.
pub(crate) fn always(word: &str) -> Value {
    json!({ "type": "string", "const": word })
}

/// A whole number from `least`.
pub(crate) fn whole(least: u64, description: &str) -> Value {
    explained(json!({ "type": "integer", "minimum": least }), description)
}

/// A number from -1 to 1.
pub(crate) fn score(description: &str) -> Value {
    explained(json!({ "type": "number", "minimum": -1, "maximum": 1 }), description)
}

/// `true` or `false`.
pub(crate) fn flag(description: &str) -> Value {
    explained(json!({ "type": "boolean" }), description)
}

/// A list of such items.
pub(crate) fn list(items: Value, description: &str) -> Value {
    explained(Value::from_iter([("type", Value::from("array")), ("items", items)]), description)
}

/// A list of at most so many.
pub(crate) fn short_list(items: Value, most: usize, description: &str) -> Value {
    let mut schema = list(items, description);
    schema["maxItems"] = most.into();
    schema
}

/// The same schema, or `null`.
pub(crate) fn or_null(schema: Value) -> Value {
    Value::from_iter([("anyOf", vec![schema, json!({ "type": "null" })])])
}

/// A name that clients give.
pub(crate) fn id(description: &str) -> Value {
    explained(json!({ "type": "string", "minLength": 1, "maxLength": 256, "pattern": NO_CONTROLS }), description)
}

/// A point in time that the server wrote.
pub(crate) fn written_time(description: &str) -> Value {
    explained(json!({ "type": "string", "format": "date-time", "pattern": WRITTEN }), description)
}

/// A point in time that a client writes.
pub(crate) fn read_time(description: &str) -> Value {
    explained(json!({ "type": "string", "pattern": READ }), description)
}

/// A date or a point in time that a client writes.
pub(crate) fn read_date(description: &str) -> Value {
    explained(json!({ "type": "string", "pattern": READ_DATE }), description)
}
