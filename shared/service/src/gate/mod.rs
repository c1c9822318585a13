//! The one layer around all routes: who asks, how often, for how long; one form of errors; counters and log lines.
//!
//! Its law: every response leaves through here, so every response has a request id, every error the one body,
//! and nothing reaches a handler without a caller.
//!
//! It is laid around each route rather than around the router, so that it knows the matched pattern, keeps the
//! counters of a route at hand, and leaves `Allow`, `Content-Length` and HEAD to the router outside of it.

mod admit;
mod client_addr;
mod credentials;
mod doorkeeper;
mod failure;
mod key_cache;
mod key_use;
mod log_line;
mod operators;
mod origins;
mod places;
mod priority;
mod quotas;
mod request_id;
mod service;
mod stats;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue};
use shared::domain::{Scope, Scopes};
use shared::ports::{Clock, IdSource, KeyStore, Ports, RateLimiter};

pub use client_addr::Peer;
pub(crate) use client_addr::counted;
pub use doorkeeper::Doorkeeper;
pub use key_cache::{KNOWN_FOR, UNKNOWN_FOR};
pub use request_id::X_REQUEST_ID;

use crate::admission::BodyLimits;
use crate::config::{Anonymous, HttpConfig, Networks, Origins};
use crate::error::ApiError;
use crate::limits;
use crate::tasks::Tasks;
use key_cache::KeyCache;
use log_line::FailureLog;
use places::Places;
use quotas::Quotas;
use stats::ErrorStats;

/// The ports that the gate uses.
#[derive(Clone)]
pub struct GatePorts {
    /// API keys.
    pub keys: Arc<dyn KeyStore>,
    /// Request limits.
    pub limiter: Arc<dyn RateLimiter>,
    /// The time in error bodies.
    pub clock: Arc<dyn Clock>,
    /// Request ids.
    pub ids: Arc<dyn IdSource>,
}

impl GatePorts {
    /// For a listener that serves operators only: no key is known there, and nothing is counted.
    #[must_use]
    pub fn for_operators(clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> Self {
        Self { keys: Arc::new(operators::NoKeys), limiter: Arc::new(operators::NoLimit), clock, ids }
    }
}

impl From<&Ports> for GatePorts {
    fn from(ports: &Ports) -> Self {
        Self {
            keys: Arc::clone(&ports.keys),
            limiter: Arc::clone(&ports.limiter),
            clock: Arc::clone(&ports.clock),
            ids: Arc::clone(&ports.ids),
        }
    }
}

/// The one layer around all routes of a process.
#[derive(Clone)]
pub struct Gate {
    state: Arc<State>,
}

struct State {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    keys: KeyCache,
    quotas: Quotas,
    anonymous: Anonymous,
    anonymous_scopes: Scopes,
    trusted_proxies: Networks,
    origins: Origins,
    body: BodyLimits,
    handler_timeout: Duration,
    places: Arc<Places>,
    errors: ErrorStats,
    failures: FailureLog,
}

impl Gate {
    /// `max_body_bytes` is the largest request body of any route.
    pub fn new(config: &HttpConfig, max_body_bytes: usize, ports: impl Into<GatePorts>) -> Self {
        let ports = ports.into();
        limits::show();
        let state = State {
            keys: KeyCache::new(ports.keys, Arc::clone(&ports.clock)),
            quotas: Quotas::new(ports.limiter, config.rate_limit_key, config.rate_limit_anonymous),
            clock: ports.clock,
            ids: ports.ids,
            anonymous: config.anonymous,
            anonymous_scopes: vec![Scope::Write, Scope::Read].into(),
            trusted_proxies: config.trusted_proxies.clone(),
            origins: config.allowed_origins.clone(),
            body: BodyLimits { max_bytes: max_body_bytes, timeout: config.body_timeout },
            handler_timeout: config.handler_timeout,
            places: Places::new(config.max_in_flight),
            errors: ErrorStats::default(),
            failures: FailureLog::new(),
        };
        Self { state: Arc::new(state) }
    }

    /// Remembers when keys were last used, in a task behind the requests.
    pub fn keep_key_uses(&self, tasks: &Tasks) {
        let (state, stopping) = (Arc::clone(&self.state), tasks.stopping());
        tasks.spawn("key uses", async move {
            state.keys.keep_uses(stopping).await;
            Ok(())
        });
    }

    /// Lays the gate around all routes of `router` and its fallback.
    #[must_use]
    pub fn around(&self, router: Router) -> GatedRouter {
        // With its state given, axum builds each route once instead of at each request.
        let router = router.layer(service::GateLayer::new(Arc::clone(&self.state))).with_state(());
        GatedRouter { router, state: Arc::clone(&self.state) }
    }
}

/// All routes of a listener with the gate around them: the only thing that a server serves.
#[derive(Clone)]
pub struct GatedRouter {
    router: Router,
    state: Arc<State>,
}

impl GatedRouter {
    /// The routes, to be called without a socket.
    pub fn router(&self) -> &Router {
        &self.router
    }

    /// The response to a request that nobody should go on from: its connection closes behind it.
    pub(crate) fn turned_away(&self, error: &ApiError) -> Response {
        self.state.errors.record(error.code());
        let mut response = failure::response(error);
        failure::write(&mut response, error, self.state.clock.now());
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID, request_id::of(&HeaderMap::new(), self.state.ids.as_ref()));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }

    /// A whole HTTP/1.1 response for what is refused before there is a request.
    pub(crate) fn refusal(&self, error: &ApiError) -> Bytes {
        self.state.errors.record(error.code());
        let id = request_id::of(&HeaderMap::new(), self.state.ids.as_ref());
        failure::raw(error, &id, self.state.clock.now())
    }
}
