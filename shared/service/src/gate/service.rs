//! The way of a request through the gate.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use axum::routing::Route;
use futures_util::FutureExt as _;
use http::header::{CACHE_CONTROL, HOST, SEC_WEBSOCKET_PROTOCOL, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use shared::error_code::ErrorCode;
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::admit::Head;
use super::client_addr::Peer;
use super::credentials::KEY_PROTOCOL;
use super::doorkeeper::Doorkeeper;
use super::priority::Priority;
use super::quotas::Counted;
use super::request_id::{self, X_REQUEST_ID};
use super::stats::RouteStats;
use super::{State, failure, origins};
use crate::admission::Admission;
use crate::error::{ApiError, ApiResult};
use crate::within::within;

#[derive(Clone)]
pub(super) struct GateLayer {
    state: Arc<State>,
}

impl GateLayer {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state }
    }
}

impl Layer<Route> for GateLayer {
    type Service = GateService;

    fn layer(&self, inner: Route) -> GateService {
        GateService { shared: Arc::new(PerRoute { state: Arc::clone(&self.state), stats: OnceLock::new() }), inner }
    }
}

/// The router calls the layer once for each route and method, so what is looked up by route is looked up once.
struct PerRoute {
    state: Arc<State>,
    stats: OnceLock<RouteStats>,
}

#[derive(Clone)]
pub(super) struct GateService {
    shared: Arc<PerRoute>,
    inner: Route,
}

impl Service<Request> for GateService {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin(pass(Arc::clone(&self.shared), self.inner.clone(), request))
    }
}

/// For how long browsers that came by TLS come by nothing else.
const ONE_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// What is kept of a request for its response, since the handler takes the request itself.
struct Asked {
    id: HeaderValue,
    method: Method,
    origin: Option<HeaderValue>,
    protocols: Option<HeaderValue>,
    /// It came by TLS, under a name of its own.
    secure: bool,
}

/// The whole way. One function without layers in between, since each would move the request once more.
async fn pass(shared: Arc<PerRoute>, mut inner: Route, mut request: Request) -> Result<Response, Infallible> {
    let started = Instant::now();
    let state = shared.state.as_ref();
    let matched = || RouteStats::new(request.extensions().get::<MatchedPath>().map(MatchedPath::as_str));
    let route = shared.stats.get_or_init(matched);
    let asked = Asked {
        id: request_id::of(request.headers(), state.ids.as_ref()),
        method: request.method().clone(),
        origin: origins::allowed(request.headers(), &state.origins),
        protocols: request.headers().get(SEC_WEBSOCKET_PROTOCOL).cloned(),
        secure: request.extensions().get::<Peer>().is_some_and(|peer| peer.secure) && !is_local(request.headers()),
    };
    let span = tracing::debug_span!("http", request_id = ?asked.id, method = %asked.method, route = route.label());
    if asked.origin.is_some()
        && let Some(response) = origins::preflight(request.method(), request.headers())
    {
        return Ok(shared.finish(route, asked, None, Ok(response), started));
    }
    let mut counted = None;
    let place = state.places.take(Priority::of(route, &asked.method)).await;
    let answer = match &place {
        Err(overloaded) => Err(overloaded.clone()),
        Ok(_place) => {
            let admitting = state.admit(route, Head::of(&request), &mut counted).instrument(span.clone());
            match guarded(state.handler_timeout, admitting).await.flatten() {
                Err(refused) => Err(refused),
                Ok(caller) => {
                    if route.is_socket() {
                        request.extensions_mut().insert(Doorkeeper::new(Arc::clone(&shared.state)));
                    }
                    request.extensions_mut().insert(Admission { caller, body: state.body });
                    let answering = inner.call(request).instrument(span.clone());
                    guarded(state.handler_timeout, answering).await.map(|Ok(response)| response)
                }
            }
        }
    };
    drop(place);
    Ok(span.in_scope(|| shared.finish(route, asked, counted, answer, started)))
}

/// Whether the host has a name that every machine has: a browser that was told of it would refuse other servers there.
fn is_local(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// A panic and an endless wait become errors like any other.
async fn guarded<F: Future>(limit: Duration, work: F) -> ApiResult<F::Output> {
    match within(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Some(Ok(output)) => Ok(output),
        Some(Err(_panic)) => Err(ApiError::internal("the handler panicked")),
        None => Err(ApiError::new(ErrorCode::Timeout, "the answer took too long; try again")),
    }
}

impl PerRoute {
    fn finish(
        &self,
        route: &RouteStats,
        asked: Asked,
        counted: Option<Counted>,
        answer: ApiResult<Response>,
        started: Instant,
    ) -> Response {
        let (mut response, error) = match answer {
            Ok(mut response) => {
                let error = failure::of(&mut response, route);
                (response, error)
            }
            Err(error) => (failure::response(&error), Some(error)),
        };
        if let Some(error) = error {
            failure::write(&mut response, &error, self.state.clock.now());
            self.state.errors.record(error.code());
            self.state.failures.record(&error, &asked.id, asked.method.as_str(), route.label());
        }
        let status = response.status();
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID, asked.id);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if asked.secure {
            headers.insert(STRICT_TRANSPORT_SECURITY, ONE_YEAR);
        }
        if !route.is_open() && status != StatusCode::SWITCHING_PROTOCOLS {
            headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        }
        if status == StatusCode::SWITCHING_PROTOCOLS
            && let Some(offered) = &asked.protocols
        {
            select_protocol(headers, offered);
        }
        if let Some(counted) = counted {
            counted.write(headers);
        }
        if let Some(origin) = asked.origin {
            origins::expose(headers, origin);
        }
        let took = started.elapsed();
        route.record(&asked.method, status, took);
        tracing::debug!(status = status.as_u16(), micros = took.as_micros(), "answered");
        response
    }
}

/// A browser that offered subprotocols closes the socket unless one of them is selected: the first that is no key,
/// else the one with the key, which only its owner gets back.
fn select_protocol(headers: &mut HeaderMap, offered: &HeaderValue) {
    if headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return;
    }
    let names = || offered.to_str().unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
    let chosen = names().find(|name| !name.starts_with(KEY_PROTOCOL)).or_else(|| names().next());
    if let Some(Ok(value)) = chosen.map(HeaderValue::from_str) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, value);
    }
}
