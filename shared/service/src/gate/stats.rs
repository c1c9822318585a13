//! Counters of requests. Law: labels come from matched routes and enums only, and each handle is looked up once.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{Method, StatusCode};
use metrics::{Counter, Histogram};
use shared::error_code::ErrorCode;

const METHODS: [&str; 8] = ["GET", "POST", "DELETE", "PATCH", "PUT", "HEAD", "OPTIONS", "other"];
/// Statuses that Recap answers with; others are counted without a kept handle.
const STATUSES: [u16; 16] = [200, 101, 204, 304, 400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503, 504];
const UNMATCHED: &str = "unmatched";

type ByStatus = [OnceLock<Counter>; STATUSES.len()];

/// One matched route: its label, its handles, and what the gate must know of it.
pub(super) struct RouteStats {
    label: Arc<str>,
    counters: [OnceLock<Box<ByStatus>>; METHODS.len()],
    duration: Histogram,
    open: bool,
}

impl RouteStats {
    /// `pattern` as matched by the router; `None` where no route matched.
    pub(super) fn new(pattern: Option<&str>) -> Self {
        let label: Arc<str> = Arc::from(pattern.unwrap_or(UNMATCHED));
        let duration = metrics::histogram!("recap_http_request_duration_seconds", "route" => Arc::clone(&label));
        Self { open: is_open(&label), label, counters: Default::default(), duration }
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Whether it answers without a key and is not counted against a limit.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether it takes sockets.
    pub(super) fn is_socket(&self) -> bool {
        self.label.starts_with("/ws/")
    }

    pub(super) fn record(&self, method: &Method, status: StatusCode, took: Duration) {
        self.duration.record(took.as_secs_f64());
        let method = METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1);
        let Some(place) = STATUSES.iter().position(|known| *known == status.as_u16()) else {
            self.counter(METHODS[method], status.as_u16()).increment(1);
            return;
        };
        let by_status = self.counters[method].get_or_init(Box::default);
        by_status[place].get_or_init(|| self.counter(METHODS[method], STATUSES[place])).increment(1);
    }

    fn counter(&self, method: &'static str, status: u16) -> Counter {
        metrics::counter!(
            "recap_http_requests_total",
            "route" => Arc::clone(&self.label), "method" => method, "status" => status.to_string()
        )
    }
}

fn is_open(pattern: &str) -> bool {
    matches!(pattern, "/" | "/metrics" | "/healthz" | "/readyz" | "/docs" | "/openapi.json" | "/asyncapi.json")
        || pattern.starts_with("/assets/")
}

/// Counters of errors by their code.
#[derive(Default)]
pub(super) struct ErrorStats([OnceLock<Counter>; ErrorCode::ALL.len()]);

impl ErrorStats {
    pub(super) fn record(&self, code: ErrorCode) {
        let count = || metrics::counter!("recap_http_errors_total", "code" => code.as_str());
        self.0[code as usize].get_or_init(count).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_listed() {
        for pattern in
            ["/", "/metrics", "/healthz", "/readyz", "/docs", "/openapi.json", "/asyncapi.json", "/assets/{*path}"]
        {
            assert!(RouteStats::new(Some(pattern)).is_open(), "{pattern}");
        }
        for pattern in [Some("/chats"), Some("/ws/summarize"), Some("/docs/{*path}"), None] {
            assert!(!RouteStats::new(pattern).is_open(), "{pattern:?}");
        }
    }

    #[test]
    fn every_code_has_its_own_place() {
        for (place, code) in ErrorCode::ALL.iter().enumerate() {
            assert_eq!(*code as usize, place);
        }
    }
}
