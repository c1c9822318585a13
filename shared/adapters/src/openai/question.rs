//! A question as an endpoint of some dialect takes it. Law: what the model is to do, and the text that it is to do it
//! with, are messages of different roles.

use async_openai::types::chat::{ChatCompletionStreamOptions, ResponseFormat, ResponseFormatJsonSchema};
use serde::Serialize;
use shared::ports::ChatRequest;

use super::dialect::{Dialect, Form};

/// The body of `POST /chat/completions`.
#[derive(Debug, Serialize)]
pub(super) struct Question<'a> {
    model: &'a str,
    messages: [Said<'a>; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<ChatCompletionStreamOptions>,
}

#[derive(Debug, Serialize)]
struct Said<'a> {
    role: &'static str,
    content: std::borrow::Cow<'a, str>,
}

impl<'a> Question<'a> {
    pub(super) fn new(model: &'a str, request: &'a ChatRequest, dialect: Dialect, streamed: bool) -> Self {
        let schema = &request.schema;
        let role = match dialect.form {
            Form::Schema => request.role.as_str().into(),
            Form::Object | Form::Plain => {
                let role = &request.role;
                format!("{role}\n\nAnswer with one JSON object of this JSON Schema and nothing else:\n{}", schema.text)
                    .into()
            }
        };
        let format = match dialect.form {
            Form::Schema => Some(ResponseFormat::JsonSchema {
                json_schema: ResponseFormatJsonSchema {
                    description: None,
                    name: schema.name.to_owned(),
                    schema: schema.schema.clone(),
                    strict: Some(true),
                },
            }),
            Form::Object => Some(ResponseFormat::JsonObject),
            Form::Plain => None,
        };
        Self {
            model,
            messages: [
                Said { role: "system", content: role },
                Said { role: "user", content: request.text.as_str().into() },
            ],
            response_format: format,
            max_completion_tokens: dialect.new_limit.then_some(request.most_output),
            max_tokens: (!dialect.new_limit).then_some(request.most_output),
            temperature: dialect.temperature.then_some(0.0),
            stream: streamed,
            stream_options: (streamed && dialect.stream_usage)
                .then_some(ChatCompletionStreamOptions { include_usage: Some(true), include_obfuscation: None }),
        }
    }
}
