//! Whoever opens a socket. Law: nothing is shown before a caller with the scope `read` is known.

use axum::extract::FromRequestParts;
use http::request::Parts;
use shared::domain::{Caller, CallerId, Scope, Scopes};
use shared::error_code::ErrorCode;

use super::caller::{allowed, permitted};
use crate::admission;
use crate::error::{ApiError, ApiResult};
use crate::gate::Doorkeeper;

/// A caller that may read, or one that must say in its first frame who it is; else `unauthenticated` or `forbidden`.
#[derive(Clone)]
pub struct Listener {
    /// Who asks; none where calls without a key are not let in and none came yet.
    pub caller: Option<Caller>,
    /// By what it is counted until a key says otherwise.
    pub counted: CallerId,
    doorkeeper: Option<Doorkeeper>,
}

impl Listener {
    /// The owner of a key that came in the first frame, if it may read.
    pub async fn with_key(&self, key: &str) -> ApiResult<Caller> {
        let Some(doorkeeper) = &self.doorkeeper else {
            return Err(ApiError::new(ErrorCode::Unauthenticated, "keys are not known here"));
        };
        let caller = doorkeeper.caller(key).await?;
        allowed(&caller, Scope::Read)?;
        Ok(caller)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Listener {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> ApiResult<Self> {
        let doorkeeper = parts.extensions.get::<Doorkeeper>().cloned();
        if let Some(nobody) = admission::caller(&parts.extensions).filter(|caller| is_nobody(caller)) {
            return Ok(Self { caller: None, counted: nobody.id.clone(), doorkeeper });
        }
        let caller = permitted(parts, Scope::Read)?;
        Ok(Self { counted: caller.id.clone(), caller: Some(caller), doorkeeper })
    }
}

/// The gate lets sockets in without a key where nobody else is: they may do nothing.
fn is_nobody(caller: &Caller) -> bool {
    caller.scopes == Scopes::default() && matches!(caller.id, CallerId::Anonymous(_))
}
