//! The forms of answers, as JSON Schema. Law: every property is required and no other allowed, as "structured
//! outputs" demand; there are few of them, since each call pays for them: what comes in lists is lines of text.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::ports::ReplySchema;

use super::prompts::Prompt;

/// The form of each answer.
#[derive(Debug, Clone)]
pub(crate) struct Schemas {
    gist: Arc<ReplySchema>,
    fold: Arc<ReplySchema>,
    update: Arc<ReplySchema>,
    cross: Arc<ReplySchema>,
    merge: Arc<ReplySchema>,
    repair: Arc<ReplySchema>,
}

impl Schemas {
    pub(crate) fn new() -> Self {
        let text = || json!({"type": "string"});
        let texts = || json!({"type": "array", "items": {"type": "string"}});
        let with = |mut first: Vec<(&'static str, Value)>| {
            first.extend([("about", text()), ("items", texts())]);
            first
        };
        Self {
            gist: schema("notes", with(vec![])),
            fold: schema("summary", with(vec![("brief", text()), ("detailed", text())])),
            update: schema("summary", with(vec![("brief", text())])),
            cross: schema("summary", with(vec![("brief", text()), ("before", text())])),
            merge: schema("notes", vec![("about", text())]),
            repair: schema("texts", vec![("texts", texts())]),
        }
    }

    /// The form of the answer to a question.
    pub(crate) fn of(&self, prompt: Prompt) -> Arc<ReplySchema> {
        Arc::clone(match prompt {
            Prompt::Gist => &self.gist,
            Prompt::Fold => &self.fold,
            Prompt::Update => &self.update,
            Prompt::Cross => &self.cross,
            Prompt::Merge => &self.merge,
            Prompt::Repair => &self.repair,
        })
    }
}

fn schema(name: &'static str, properties: Vec<(&'static str, Value)>) -> Arc<ReplySchema> {
    let schema = object(properties);
    let text = schema.to_string();
    Arc::new(ReplySchema { name, schema, text })
}

fn object(properties: Vec<(&'static str, Value)>) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let required = json!(required);
    let properties: serde_json::Map<String, Value> =
        properties.into_iter().map(|(name, form)| (name.to_owned(), form)).collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_strict(schema: &Value) {
        if schema["type"] == "object" {
            let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
            let mut required: Vec<&str> =
                schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            required.sort_unstable();
            assert_eq!(names, required);
            assert_eq!(schema["additionalProperties"], false);
            schema["properties"].as_object().unwrap().values().for_each(is_strict);
        }
        if schema["type"] == "array" {
            is_strict(&schema["items"]);
        }
    }

    #[test]
    fn all_are_what_structured_outputs_demand() {
        let schemas = Schemas::new();
        for prompt in Prompt::ALL {
            is_strict(&schemas.of(prompt).schema);
        }
    }
}
