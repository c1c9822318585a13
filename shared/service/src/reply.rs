//! Answers of handlers. Law: one allocation for the body, no copy after that.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::error::ApiError;

/// The media type of every JSON answer.
pub const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A JSON answer. A value that cannot be written as JSON is answered with `internal`.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let mut text = Vec::with_capacity(256);
    match serde_json::to_writer(&mut text, value) {
        Ok(()) => encoded(status, text),
        Err(error) => ApiError::internal(error).into_response(),
    }
}

/// A JSON answer that is encoded already, such as a stored one.
pub fn encoded(status: StatusCode, json: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(json.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, APPLICATION_JSON);
    response
}

/// 204 without a body.
#[must_use]
pub fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
