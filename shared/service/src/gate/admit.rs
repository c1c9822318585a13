//! Whether a request may go on. Order: key in the URL, room, who asks, how often, from which page.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Request;
use http::{Extensions, HeaderMap};
use shared::domain::{Caller, CallerId, TenantId};
use shared::error_code::ErrorCode;

use super::quotas::Counted;
use super::stats::RouteStats;
use super::{State, client_addr, credentials, origins};
use crate::config::Anonymous;
use crate::error::{ApiError, ApiResult};

/// A place among the requests in work; given back when dropped.
pub(super) struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

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
        }
    }

    /// A place among the requests in work, else `overloaded`. Open routes always find one.
    pub(super) fn place(&self, route: &RouteStats) -> ApiResult<Place<'_>> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        let place = Place(&self.in_flight);
        if before >= self.max_in_flight && !route.is_open() {
            return Err(ApiError::new(ErrorCode::Overloaded, "too many requests are being worked on; try again"));
        }
        Ok(place)
    }
}
