//! Whether a request may go on. Order: key in the URL, room, who asks, how often, from which page.

use axum::extract::Request;
use http::header::UPGRADE;
use http::{Extensions, HeaderMap};
use shared::domain::{Caller, CallerId, Scopes, TenantId};
use shared::error_code::ErrorCode;

use super::quotas::Counted;
use super::stats::RouteStats;
use super::{State, client_addr, credentials, origins};
use crate::config::Anonymous;
use crate::error::{ApiError, ApiResult};

/// What of a request says who asks; a whole request could not be held while waiting, since its body is not `Sync`.
pub(super) struct Head<'a> {
    query: Option<&'a str>,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> Head<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        Self { query: request.uri().query(), headers: request.headers(), extensions: request.extensions() }
    }
}

impl State {
    /// Who asks, if the request may go on. `counted` says what the limiter said, also when it may not.
    pub(super) async fn admit(
        &self,
        route: &RouteStats,
        head: Head<'_>,
        counted: &mut Option<Counted>,
    ) -> ApiResult<Caller> {
        if head.query.is_some_and(credentials::is_in_query) {
            return Err(ApiError::new(
                ErrorCode::KeyInUrl,
                "never put a key into the URL, where logs keep it; send it as `Authorization: Bearer rk_...`",
            ));
        }
        if route.is_open() {
            return Ok(self.anonymous_caller(&head));
        }
        let caller = match credentials::key(head.headers)? {
            Some(key) => self.keys.caller(key).await?,
            None if self.anonymous == Anonymous::On => self.anonymous_caller(&head),
            // It may still say who it is in its first frame, and may do nothing before that.
            None if route.is_socket() && head.headers.contains_key(UPGRADE) => {
                Caller { scopes: Scopes::default(), ..self.anonymous_caller(&head) }
            }
            None => return Err(credentials::refused("send an API key as `Authorization: Bearer rk_...`")),
        };
        *counted = self.quotas.count(&caller).await;
        if let Some(refusal) = counted.as_ref().and_then(Counted::refusal) {
            return Err(refusal);
        }
        origins::check_upgrade(head.headers, &self.origins)?;
        Ok(caller)
    }

    fn anonymous_caller(&self, head: &Head<'_>) -> Caller {
        let client = client_addr::client(head.extensions, head.headers, &self.trusted_proxies);
        Caller {
            id: CallerId::Anonymous(client_addr::counted(client)),
            tenant: TenantId::public(),
            scopes: self.anonymous_scopes,
            rate: None,
            prefix: None,
        }
    }
}
