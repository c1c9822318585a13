//! Who asks, with the scope that the route needs.

use axum::extract::FromRequestParts;
use http::request::Parts;
use shared::domain::{Caller, Scope};
use shared::error_code::ErrorCode;

use crate::admission;
use crate::error::{ApiError, ApiResult};

pub(super) fn permitted(parts: &Parts, scope: Scope) -> ApiResult<Caller> {
    let Some(caller) = admission::caller(&parts.extensions) else {
        return Err(ApiError::new(ErrorCode::Unauthenticated, "send an API key as `Authorization: Bearer rk_...`"));
    };
    allowed(caller, scope)?;
    Ok(caller.clone())
}

pub(super) fn allowed(caller: &Caller, scope: Scope) -> ApiResult<()> {
    if caller.scopes.allow(scope) {
        return Ok(());
    }
    let needed = match scope {
        Scope::Write => "write",
        Scope::Read => "read",
        Scope::Admin => "admin",
    };
    Err(ApiError::new(ErrorCode::Forbidden, format!("this needs a key with the scope `{needed}`")))
}

macro_rules! scoped {
    ($(#[$doc:meta])* $name:ident, $scope:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(pub Caller);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _state: &S) -> ApiResult<Self> {
                permitted(parts, $scope).map(Self)
            }
        }
    };
}

scoped!(
    /// A caller that may post, end, edit and erase; else `unauthenticated` or `forbidden`.
    Writer,
    Scope::Write
);
scoped!(
    /// A caller that may read; else `unauthenticated` or `forbidden`.
    Reader,
    Scope::Read
);
scoped!(
    /// A caller that may export and erase users; else `unauthenticated` or `forbidden`.
    Admin,
    Scope::Admin
);
