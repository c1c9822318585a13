//! `DELETE /users/{user_id}`: a demand, durable when it is answered, that all that a user wrote so far be erased.
//!
//! Law: 202 says that it will be done, whatever crashes; a worker does it. How far it has come is asked elsewhere.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use shared::domain::{Deed, Outcome, Timestamp, UserDigest, UserId};
use shared::error_code::ErrorCode;
use shared::ports::Demand;
use shared_service::{Admin, ApiError, ApiResult, StrictQuery, UserPath, reply};

use crate::routes::Ingest;

#[derive(Serialize)]
struct Demanded<'a> {
    user_id: &'a UserId,
    state: &'static str,
    asked_at: Timestamp,
}

pub(crate) async fn delete_user(
    State(ingest): State<Arc<Ingest>>,
    Admin(caller): Admin,
    UserPath(user): UserPath,
    StrictQuery(()): StrictQuery<()>,
) -> ApiResult<Response> {
    let deed = Deed::EraseUser { user: UserDigest::of(&caller.tenant, &user) };
    let asked = ingest.acts.asked(&caller, deed).await?;
    let demand = Demand { act: asked.act, actor: asked.actor.clone(), at: asked.at };
    match ingest.user_erasures.demand(&caller.tenant, &user, &demand).await {
        Ok(true) => {
            let body = Demanded { user_id: &user, state: "running", asked_at: demand.at };
            Ok(reply::json(StatusCode::ACCEPTED, &body))
        }
        Ok(false) => {
            ingest.acts.ended(&asked, Outcome::Failed).await;
            let told = "this user is being erased, and too many have asked for it again; wait for its end";
            Err(ApiError::new(ErrorCode::Overloaded, told))
        }
        Err(error) => {
            ingest.acts.ended(&asked, Outcome::Failed).await;
            Err(error.into())
        }
    }
}
