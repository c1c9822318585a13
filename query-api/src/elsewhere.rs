//! Routes of ingest-api, known here so that a wrong method on their paths is told all that are right. The gateway sends
//! their requests elsewhere; only who goes around it comes here.

use axum::Router;
use axum::routing::{delete, patch, post};
use shared::error_code::ErrorCode;
use shared_service::ApiError;

/// Each refuses what it is asked.
pub(crate) fn routes() -> Router {
    Router::new()
        .route("/chats", post(refuse))
        .route("/chats/summarize", delete(refuse))
        .route("/chats/{conversation_id}", delete(refuse))
        .route("/chats/{conversation_id}/end", post(refuse))
        .route("/chats/{conversation_id}/messages/{seq}", patch(refuse).delete(refuse))
        .route("/users/{user_id}", delete(refuse))
}

async fn refuse() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "ingest-api answers this: ask the gateway")
}
