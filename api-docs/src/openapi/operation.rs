//! One method of one path. Law: what is counted has the errors that the gate can give; the rest is said one by one.

use serde_json::{Map, Value, json};
use shared::error_code::ErrorCode;

use super::headers;
use crate::errors::ErrorResponses;
use crate::schema::reference;

/// What any counted operation may meet before or while it works.
const OF_COUNTED: [ErrorCode; 9] = [
    ErrorCode::InvalidRequest,
    ErrorCode::KeyInUrl,
    ErrorCode::Unauthenticated,
    ErrorCode::Forbidden,
    ErrorCode::RateLimited,
    ErrorCode::Internal,
    ErrorCode::Unavailable,
    ErrorCode::Overloaded,
    ErrorCode::Timeout,
];
/// What any open operation may meet.
const OF_OPEN: [ErrorCode; 3] = [ErrorCode::KeyInUrl, ErrorCode::Internal, ErrorCode::Timeout];
/// What any operation with a body may meet beside these.
const OF_BODY: [ErrorCode; 3] = [ErrorCode::InvalidJson, ErrorCode::PayloadTooLarge, ErrorCode::UnsupportedMediaType];

/// A description in the making.
pub(super) struct Operation {
    described: Value,
    responses: Map<String, Value>,
    errors: Vec<ErrorCode>,
}

impl Operation {
    /// One that needs a scope and is counted.
    pub(super) fn counted(tag: &str, id: &str, scope: &str, summary: &str) -> Self {
        Self::new(tag, id, summary, security(Some(scope)), &OF_COUNTED)
    }

    /// One that needs no key and is not counted.
    pub(super) fn open(id: &str, summary: &str) -> Self {
        Self::new("Operators", id, summary, json!([]), &OF_OPEN)
    }

    fn new(tag: &str, id: &str, summary: &str, security: Value, errors: &[ErrorCode]) -> Self {
        let mut described = json!({ "tags": [tag], "operationId": id, "summary": summary });
        described["security"] = security;
        Self { described, responses: Map::new(), errors: errors.to_vec() }
    }

    /// More words.
    pub(super) fn told(mut self, description: &str) -> Self {
        self.described["description"] = description.into();
        self
    }

    /// Parameters, beside those of the path.
    pub(super) fn parameters(mut self, parameters: Vec<Value>) -> Self {
        self.described["parameters"] = parameters.into();
        self
    }

    /// A JSON body.
    pub(super) fn body(mut self, schema: &str, required: bool, example: &Value) -> Self {
        let content = json!({ "application/json": { "schema": reference(schema), "example": example } });
        self.described["requestBody"] = json!({ "required": required, "content": content });
        self.errors.extend(OF_BODY);
        self
    }

    /// A counted JSON answer, 200.
    pub(super) fn json(self, description: &str, schema: &str, example: &Value) -> Self {
        let content = json!({ "application/json": { "schema": reference(schema), "example": example } });
        let headers = headers::of_counted(&[]);
        self.answer(200, json!({ "description": description, "headers": headers, "content": content }))
    }

    /// Any answer.
    pub(super) fn answer(mut self, status: u16, response: Value) -> Self {
        self.responses.insert(status.to_string(), response);
        self
    }

    /// Errors of its own.
    pub(super) fn errors(mut self, codes: &[ErrorCode]) -> Self {
        self.errors.extend(codes);
        self
    }

    pub(super) fn build(mut self, errors: &mut ErrorResponses) -> Value {
        self.responses.extend(errors.of(&self.errors));
        self.described["responses"] = self.responses.into();
        self.described
    }
}

/// Nobody, or a key with that scope.
pub(super) fn security(scope: Option<&str>) -> Value {
    let scopes: Vec<&str> = scope.into_iter().collect();
    json!([{}, { "bearer": scopes }, { "apiKey": scopes }])
}
