//! `GET /users/{user_id}/erasure`: how far the erasure of a user has come.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use shared::domain::{Timestamp, UserId};
use shared::error_code::ErrorCode;
use shared_service::{Admin, ApiError, ApiResult, StrictQuery, UserPath, reply};

use super::Query;

#[derive(Serialize)]
struct ErasureBody<'a> {
    user_id: &'a UserId,
    state: &'static str,
    asked_at: Timestamp,
    finished_at: Option<Timestamp>,
}

/// Tells the latest erasure of a user.
pub async fn read(
    State(query): State<Arc<Query>>,
    Admin(caller): Admin,
    UserPath(user): UserPath,
    StrictQuery(()): StrictQuery<()>,
) -> ApiResult<Response> {
    let Some(state) = query.user_erasures.state(&caller.tenant, &user).await? else {
        return Err(ApiError::new(ErrorCode::NotFound, "nobody has asked for this user to be erased"));
    };
    let body = ErasureBody {
        user_id: &user,
        state: if state.finished_at.is_some() { "done" } else { "running" },
        asked_at: state.asked_at,
        finished_at: state.finished_at,
    };
    Ok(reply::json(StatusCode::OK, &body))
}
