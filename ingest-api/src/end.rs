//! `POST /chats/{conversation_id}/end` (append): an `Ended` record through the lane of the conversation.
//!
//! Idempotent by the log itself: where the last record is an end already, nothing is added and that is a success.
//! Answers `{"status":"success","conversation_id":"…"}`. The body is empty or `{}`.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use http::StatusCode;
use shared::domain::{ConversationKey, EndReason};
use shared::ports::{Append, Condition, Entry};
use shared_service::reply::encoded;
use shared_service::{ApiError, ApiResult, ConversationPath, JsonBody, StrictQuery, Writer};

use crate::append::{Work, json_string, refused};
use crate::request::check_empty;
use crate::routes::Ingest;

pub(crate) async fn post_end(
    State(ingest): State<Arc<Ingest>>,
    Writer(caller): Writer,
    ConversationPath(conversation): ConversationPath,
    StrictQuery(()): StrictQuery<()>,
    _body: NoFields,
) -> ApiResult<Response> {
    let mut json = String::with_capacity(conversation.as_str().len() + 64);
    json.push_str("{\"status\":\"success\",\"conversation_id\":");
    json_string(&mut json, conversation.as_str());
    json.push('}');
    let lane = ingest.lanes.of(&caller.tenant, conversation.as_str());
    let append = Append {
        key: ConversationKey::new(caller.tenant, conversation),
        entries: vec![Entry::Ended(EndReason::Requested)],
        idempotency: None,
        received_at: ingest.clock.now(),
        condition: Condition::Open,
    };
    ingest.lanes.append(Work { append, lane, messages: 0, bytes: size_of::<Entry>() }).await?;
    Ok(encoded(StatusCode::OK, json))
}

/// No body, or an object without fields.
pub(crate) struct NoFields;

impl<S: Send + Sync> FromRequest<S> for NoFields {
    type Rejection = ApiError;

    async fn from_request(request: Request<Body>, state: &S) -> ApiResult<Self> {
        if request.body().is_end_stream() {
            return Ok(Self);
        }
        let JsonBody(body) = JsonBody::from_request(request, state).await?;
        match check_empty(&body) {
            Ok(()) => Ok(Self),
            Err(error) => Err(refused(Some(error), None)),
        }
    }
}
