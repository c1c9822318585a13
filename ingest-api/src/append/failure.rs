//! Why a request was not stored, and what its client is told.

use shared::error_code::ErrorCode;
use shared::ports::AppendError;
use shared_service::{ApiError, FieldError};
use thiserror::Error;

use crate::request::RequestError;

/// A batch that did not become durable in time, or at all.
#[derive(Debug, Clone, Error)]
pub(crate) enum LaneError {
    /// Too much waits already; nothing was queued.
    #[error("the lane is full")]
    Full,
    /// The process is stopping; nothing was queued.
    #[error("the lane has stopped")]
    Stopped,
    /// No answer within the limit; the commit goes on.
    #[error("the commit took too long")]
    Late,
    /// The log said no.
    #[error(transparent)]
    Append(#[from] AppendError),
}

const UNKNOWN: &str = "it is not known whether this was stored; repeat it with the same Idempotency-Key or the same \
                       message_ids, then it is stored once";

pub(crate) const NO_MESSAGE: &str = "no message of this conversation has that seq";
pub(crate) const ERASED: &str = "the message was erased";

impl From<LaneError> for ApiError {
    fn from(error: LaneError) -> Self {
        let (code, message) = match &error {
            LaneError::Full => (ErrorCode::Overloaded, "too many requests wait to be stored; nothing was stored"),
            LaneError::Stopped => (ErrorCode::Unavailable, "the service is stopping; nothing was stored"),
            LaneError::Late | LaneError::Append(AppendError::Unknown(_)) => (ErrorCode::Unavailable, UNKNOWN),
            LaneError::Append(AppendError::Unavailable(_)) => {
                (ErrorCode::Unavailable, "the store is not available now; nothing was stored")
            }
            LaneError::Append(AppendError::NotFound) => (ErrorCode::ConversationNotFound, "no such conversation"),
            LaneError::Append(AppendError::IdempotencyMismatch) => {
                (ErrorCode::IdempotencyMismatch, "this Idempotency-Key was used with another body; use a new key")
            }
            LaneError::Append(AppendError::MessageIdTaken { index }) => return taken(*index).because(error),
            LaneError::Append(AppendError::NoMessage { .. }) => (ErrorCode::NotFound, NO_MESSAGE),
            LaneError::Append(AppendError::MessageErased { .. }) => (ErrorCode::Conflict, ERASED),
            LaneError::Append(AppendError::HeadMoved) => return Self::internal(error),
        };
        Self::new(code, message).because(error)
    }
}

fn taken(index: usize) -> ApiError {
    let path = format!("messages[{index}].message_id");
    let message = format!("{path}: stands for another message of this conversation; nothing was stored");
    let field = FieldError::new(path, "stands for another message of this conversation");
    ApiError::new(ErrorCode::Conflict, message).with_fields(vec![field])
}

/// What is wrong with a request, header and body together.
pub(crate) fn refused(body: Option<RequestError>, header: Option<FieldError>) -> ApiError {
    let faults = match body {
        Some(RequestError::InvalidJson(why)) => {
            return ApiError::new(ErrorCode::InvalidJson, format!("the body is not JSON: {why}"));
        }
        Some(RequestError::Invalid(faults)) => faults,
        None => Vec::new(),
    };
    let faults = faults.into_iter().map(|field| FieldError::new(field.path, field.fault.to_string()));
    ApiError::invalid(header.into_iter().chain(faults).collect())
}
