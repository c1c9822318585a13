//! The way of a request through the gate.

use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use axum::routing::Route;
use futures_util::FutureExt as _;
use http::header::{CACHE_CONTROL, SEC_WEBSOCKET_PROTOCOL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use shared::error_code::ErrorCode;
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::admit::Head;
use super::credentials::KEY_PROTOCOL;
use super::quotas::Counted;
use super::request_id::{self, X_REQUEST_ID};
use super::stats::RouteStats;
use super::{State, failure, origins};
use crate::admission::Admission;
use crate::error::{ApiError, ApiResult};

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
        let (shared, inner) = (Arc::clone(&self.shared), self.inner.clone());
        Box::pin(async move { Ok(shared.pass(inner, request).await) })
    }
}

/// What is kept of a request for its response, since the handler takes the request itself.
struct Asked {
    id: HeaderValue,
    method: Method,
    origin: Option<HeaderValue>,
    protocols: Option<HeaderValue>,
}

impl PerRoute {
    async fn pass(&self, inner: Route, request: Request) -> Response {
        let started = Instant::now();
        let matched = || RouteStats::new(request.extensions().get::<MatchedPath>().map(MatchedPath::as_str));
        let route = self.stats.get_or_init(matched);
        let asked = Asked {
            id: request_id::of(request.headers(), self.state.ids.as_ref()),
            method: request.method().clone(),
            origin: origins::allowed(request.headers(), &self.state.origins),
            protocols: request.headers().get(SEC_WEBSOCKET_PROTOCOL).cloned(),
        };
        let span = tracing::debug_span!("http", request_id = ?asked.id, method = %asked.method, route = route.label());
        let mut counted = None;
        let answering = self.answer(route, inner, request, &asked, &mut counted);
        // A span that nobody listens to is not entered.
        let answer = if span.is_none() { answering.await } else { answering.instrument(span.clone()).await };
        span.in_scope(|| self.finish(route, asked, counted, answer, started))
    }

    /// The response of the handler, or why there is none.
    async fn answer(
        &self,
        route: &RouteStats,
        inner: Route,
        request: Request,
        asked: &Asked,
        counted: &mut Option<Counted>,
    ) -> ApiResult<Response> {
        if asked.origin.is_some()
            && let Some(response) = origins::preflight(request.method(), request.headers())
        {
            return Ok(response);
        }
        let _place = self.state.place(route)?;
        let working = AssertUnwindSafe(self.work(route, inner, request, asked, counted)).catch_unwind();
        match tokio::time::timeout(self.state.handler_timeout, working).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panic)) => Err(ApiError::internal("the handler panicked")),
            Err(_) => Err(ApiError::new(ErrorCode::Timeout, "the answer took too long; try again")),
        }
    }

    async fn work(
        &self,
        route: &RouteStats,
        mut inner: Route,
        mut request: Request,
        asked: &Asked,
        counted: &mut Option<Counted>,
    ) -> ApiResult<Response> {
        let caller = self.state.admit(route, Head::of(&request), counted).await?;
        let admission = Admission { caller, request_id: asked.id.clone(), body: self.state.body };
        request.extensions_mut().insert(admission);
        match inner.call(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }

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
