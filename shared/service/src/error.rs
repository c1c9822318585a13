//! What a client is told when a request fails. Law: no internals, no driver text; the cause goes to the log only.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use shared::domain::Timestamp;
use shared::error_code::ErrorCode;
use shared::ports::{BusError, StoreError};

/// The most entries in `fields` of an error body.
pub const MAX_FIELD_ERRORS: usize = 20;

/// What handlers answer.
pub type ApiResult<T> = Result<T, ApiError>;

/// One fault of a request, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where, such as `messages[3].content`, or the name of a parameter.
    pub path: String,
    /// What is wrong and what would be right.
    pub error: String,
}

impl FieldError {
    /// Joins the two.
    pub fn new(path: impl Into<String>, error: impl Into<String>) -> Self {
        Self { path: path.into(), error: error.into() }
    }
}

/// A refused or failed request.
///
/// As a response it has the status of its code and an empty body; the gate writes the body, since only
/// the gate knows the time.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// `message` says what is wrong and what would be right, in words for the client.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: Vec::new(), retry_after: None, source: None }
    }

    /// `invalid_request` with the faults found, of which the first [`MAX_FIELD_ERRORS`] are told.
    #[must_use]
    pub fn invalid(mut fields: Vec<FieldError>) -> Self {
        let message = match fields.as_slice() {
            [] => "the request is not valid".to_owned(),
            [one] => format!("{}: {}", one.path, one.error),
            more => format!("the request has {} faults; the first: {}: {}", more.len(), more[0].path, more[0].error),
        };
        fields.truncate(MAX_FIELD_ERRORS);
        Self { fields, ..Self::new(ErrorCode::InvalidRequest, message) }
    }

    /// `internal`: ours to repair. The cause goes to the log.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorCode::Internal, "something went wrong on our side; the request id names it in our logs")
            .because(source)
    }

    /// When the client may try again; sent as `Retry-After` in whole seconds, at least 1.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Which fields are meant, the first [`MAX_FIELD_ERRORS`] of them.
    #[must_use]
    pub fn with_fields(mut self, mut fields: Vec<FieldError>) -> Self {
        fields.truncate(MAX_FIELD_ERRORS);
        self.fields = fields;
        self
    }

    /// The cause, for the log line of the gate.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What the client reads.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The faults told to the client.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }

    /// When the client may try again: as set, else 1 s for errors that pass by themselves.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        let passes = matches!(self.code, ErrorCode::RateLimited | ErrorCode::Unavailable | ErrorCode::Overloaded);
        self.retry_after.or(passes.then_some(Duration::from_secs(1)))
    }

    /// The status that goes with the code.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The cause, if one was kept.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.source.as_deref()
    }

    /// The one error body: what HTTP answers with and what an `error` frame of a WebSocket carries.
    #[must_use]
    pub fn body(&self, at: Timestamp) -> Bytes {
        #[derive(Serialize)]
        struct Body<'a> {
            detail: Detail<'a>,
        }
        #[derive(Serialize)]
        struct Detail<'a> {
            error: &'a str,
            code: ErrorCode,
            timestamp: Timestamp,
            #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
            fields: &'a [FieldError],
        }
        let detail = Detail { error: &self.message, code: self.code, timestamp: at, fields: &self.fields };
        serde_json::to_vec(&Body { detail }).map_or_else(|_| Bytes::new(), Bytes::from)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Incomplete(_) => {
                Self::new(ErrorCode::Unavailable, "the store is not available now; try again").because(error)
            }
            StoreError::Timeout => {
                Self::new(ErrorCode::Timeout, "the store did not answer in time; try again").because(error)
            }
            StoreError::Corrupt { .. } => Self::internal(error),
        }
    }
}

impl From<BusError> for ApiError {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Unavailable(_) | BusError::Closed => {
                Self::new(ErrorCode::Unavailable, "this part of the service is not available now; try again")
                    .because(error)
            }
            BusError::Timeout => Self::new(ErrorCode::Timeout, "it took too long; try again").because(error),
            BusError::Overloaded => {
                Self::new(ErrorCode::Overloaded, "too many requests wait already; try again").because(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_the_documented_one() {
        let error = ApiError::invalid(vec![FieldError::new("messages[3].content", "must not be empty")]);
        let body = error.body(Timestamp::from_millis(0));
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            r#"{"detail":{"error":"messages[3].content: must not be empty","code":"invalid_request","timestamp":"1970-01-01T00:00:00Z","fields":[{"path":"messages[3].content","error":"must not be empty"}]}}"#
        );
        let plain = ApiError::new(ErrorCode::NotFound, "no such path").body(Timestamp::from_millis(0));
        assert!(!std::str::from_utf8(&plain).unwrap().contains("fields"));
    }

    #[test]
    fn at_most_twenty_fields_are_told_and_all_are_counted() {
        let many = (0..30).map(|i| FieldError::new(format!("messages[{i}]"), "bad")).collect();
        let error = ApiError::invalid(many);
        assert_eq!(error.fields().len(), MAX_FIELD_ERRORS);
        assert!(error.message().contains("30 faults"));
    }

    #[test]
    fn driver_text_never_reaches_the_client() {
        let driver = std::io::Error::other("password=hunter2");
        let error = ApiError::from(StoreError::unavailable(driver));
        assert_eq!(error.code(), ErrorCode::Unavailable);
        assert!(!String::from_utf8_lossy(&error.body(Timestamp::MIN)).contains("hunter2"));
        assert!(error.cause().is_some());
        assert_eq!(error.wait(), Some(Duration::from_secs(1)));
    }
}
