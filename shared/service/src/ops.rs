//! What operators ask: `/healthz`, `/readyz`, `/metrics`. Law: each answer comes within a limit, whatever hangs behind it.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::future::join_all;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use shared::error_code::ErrorCode;
use shared::ports::Ports;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::error::{ApiError, ApiResult, FieldError};
use crate::metrics::Metrics;
use crate::reply;

/// How long one dependency may take to answer.
const CHECK_LIMIT: Duration = Duration::from_secs(2);
/// Answers are shared for this long, so that asking often does not load what is asked.
const SHARED_FOR: Duration = Duration::from_millis(250);

type Check = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Named checks of what a process needs.
#[derive(Default)]
pub struct Readiness {
    checks: Vec<(&'static str, Check)>,
    last: Mutex<Option<(Instant, Vec<FieldError>)>>,
}

impl Readiness {
    /// Ready without conditions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a dependency. The text of its error is shown to whoever asks: it must name no secret.
    #[must_use]
    pub fn check<F, E>(mut self, name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let check = move || -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> {
            let asked = check();
            Box::pin(async move { asked.await.map_err(|error| error.to_string()) })
        };
        self.checks.push((name, Box::new(check)));
        self
    }

    /// Adds a dependency that is needed to start and not to go on: it fails until it was there once, and is not looked
    /// at from then on. So replicas that can do without it stay in service while it is away.
    #[must_use]
    pub fn check_once<F, E>(self, name: &'static str, check: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send,
    {
        let seen = Arc::new(AtomicBool::new(false));
        self.check(name, move || {
            let known = seen.load(Ordering::Relaxed);
            let (seen, asked) = (Arc::clone(&seen), (!known).then(&check));
            async move {
                let Some(asked) = asked else { return Ok(()) };
                asked.await.inspect(|()| seen.store(true, Ordering::Relaxed))
            }
        })
    }

    /// The log must answer.
    #[must_use]
    pub fn log(self, ports: &Ports) -> Self {
        let log = Arc::clone(&ports.log);
        self.check("log", move || {
            let log = Arc::clone(&log);
            async move { log.ping().await }
        })
    }

    /// The views must answer.
    #[must_use]
    pub fn views(self, ports: &Ports) -> Self {
        let views = Arc::clone(&ports.views);
        self.check("views", move || {
            let views = Arc::clone(&views);
            async move { views.ping().await }
        })
    }

    /// The bus must answer.
    #[must_use]
    pub fn bus(self, ports: &Ports) -> Self {
        let bus = Arc::clone(&ports.bus);
        self.check("bus", move || {
            let bus = Arc::clone(&bus);
            async move { bus.ping().await }
        })
    }

    /// The bus must have answered once.
    #[must_use]
    pub fn bus_once(self, ports: &Ports) -> Self {
        let bus = Arc::clone(&ports.bus);
        self.check_once("bus", move || {
            let bus = Arc::clone(&bus);
            async move { bus.ping().await }
        })
    }

    /// What fails now, by name.
    pub async fn failing(&self) -> Vec<FieldError> {
        let mut last = self.last.lock().await;
        if let Some((at, failing)) = last.as_ref()
            && at.elapsed() < SHARED_FOR
        {
            return failing.clone();
        }
        let asked = join_all(self.checks.iter().map(|(name, check)| async move {
            match timeout(CHECK_LIMIT, check()).await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(FieldError::new(*name, error)),
                Err(_) => Some(FieldError::new(*name, format!("no answer within {} s", CHECK_LIMIT.as_secs()))),
            }
        }));
        let failing: Vec<FieldError> = asked.await.into_iter().flatten().collect();
        *last = Some((Instant::now(), failing.clone()));
        failing
    }
}

/// The checks of a process that answers operators before it has opened what it needs.
#[derive(Clone, Default)]
pub struct Starting {
    opened: Arc<OnceLock<Readiness>>,
}

impl Starting {
    /// Not ready until [`Self::opened`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on these checks decide. Only the first call counts.
    pub fn opened(&self, readiness: Readiness) {
        let _ = self.opened.set(readiness);
    }
}

impl From<Readiness> for Starting {
    fn from(readiness: Readiness) -> Self {
        Self { opened: Arc::new(OnceLock::from(readiness)) }
    }
}

/// The routes of this module.
pub fn routes(readiness: impl Into<Starting>, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz).with_state(readiness.into()))
        .route("/metrics", get(render).with_state(metrics))
}

async fn healthz() -> Response {
    fresh(reply::encoded(StatusCode::OK, &b"{\"status\":\"alive\"}"[..]))
}

async fn readyz(State(starting): State<Starting>) -> ApiResult<Response> {
    let Some(readiness) = starting.opened.get() else {
        return Err(ApiError::new(ErrorCode::Unavailable, "not ready: waiting for what this process needs"));
    };
    let failing = readiness.failing().await;
    if failing.is_empty() {
        let checks: serde_json::Map<_, _> =
            readiness.checks.iter().map(|(name, _)| ((*name).to_owned(), "ok".into())).collect();
        return Ok(fresh(reply::json(StatusCode::OK, &serde_json::json!({ "status": "ready", "checks": checks }))));
    }
    let names: Vec<&str> = failing.iter().map(|fault| fault.path.as_str()).collect();
    let message = format!("not ready: {}", names.join(", "));
    Err(ApiError::new(ErrorCode::Unavailable, message).with_fields(failing))
}

async fn render(State(metrics): State<Metrics>) -> Response {
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    fresh(([(CONTENT_TYPE, TEXT)], metrics.render()).into_response())
}

fn fresh(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn names_what_fails_and_what_hangs() {
        let readiness = Readiness::new()
            .check("store", || async { Ok::<(), String>(()) })
            .check("bus", || async { Err("the bus is not available") })
            .check("model", std::future::pending::<Result<(), String>>);
        let failing = readiness.failing().await;
        assert_eq!(
            failing,
            [FieldError::new("bus", "the bus is not available"), FieldError::new("model", "no answer within 2 s")]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_needed_to_start_is_not_needed_to_go_on() {
        let up = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&up);
        let readiness = Readiness::new().check_once("bus", move || {
            let up = asked.load(Ordering::Relaxed);
            async move { if up { Ok(()) } else { Err("away") } }
        });
        assert_eq!(readiness.failing().await, [FieldError::new("bus", "away")]);
        for now in [true, false] {
            up.store(now, Ordering::Relaxed);
            tokio::time::advance(SHARED_FOR).await;
            assert_eq!(readiness.failing().await, []);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn asks_are_shared_for_a_moment_only() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let readiness = Readiness::new().check("store", move || {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Ok::<(), String>(()) }
        });
        readiness.failing().await;
        readiness.failing().await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        tokio::time::advance(SHARED_FOR).await;
        readiness.failing().await;
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }
}
