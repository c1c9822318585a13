//! Log lines of failed requests. Law: a failure is logged once, with its causes, and a storm of the same
//! failure cannot fill the disk.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::HeaderValue;
use shared::error_code::ErrorCode;

use crate::error::ApiError;

/// Lets one line of each kind through in a second and counts the rest.
pub(super) struct FailureLog {
    since: Instant,
    unavailable: Kind,
    timeout: Kind,
}

#[derive(Default)]
struct Kind {
    /// The second of the last line, plus one.
    last: AtomicU64,
    left_out: AtomicU64,
}

impl Kind {
    /// How many were left out before this one, or none if this one is left out too.
    fn pass(&self, second: u64) -> Option<u64> {
        let last = self.last.load(Ordering::Relaxed);
        let first = last <= second
            && self.last.compare_exchange(last, second + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if first {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

impl FailureLog {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), unavailable: Kind::default(), timeout: Kind::default() }
    }

    pub(super) fn record(&self, error: &ApiError, request_id: &HeaderValue, method: &str, route: &str) {
        let request_id = request_id.to_str().unwrap_or("-");
        let code = error.code();
        let kind = match code {
            ErrorCode::Internal => {
                let causes = causes(error);
                tracing::error!(request_id, method, route, causes, "request failed: {}", error.message());
                return;
            }
            ErrorCode::Unavailable => &self.unavailable,
            ErrorCode::Timeout => &self.timeout,
            // Refusals are counted in metrics; a line for each would make an overload worse.
            _ => return,
        };
        if let Some(left_out) = kind.pass(self.since.elapsed().as_secs()) {
            let (code, causes) = (code.as_str(), causes(error));
            tracing::warn!(request_id, method, route, code, causes, left_out, "request failed: {}", error.message());
        }
    }
}

fn causes(error: &ApiError) -> String {
    let mut text = String::new();
    let mut next: Option<&dyn Error> = error.cause().map(|cause| cause as &dyn Error);
    while let Some(cause) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        // Writing to a String does not fail.
        let _ = write!(text, "{cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use shared::ports::StoreError;

    use super::*;

    #[test]
    fn one_line_a_second_and_the_rest_counted() {
        let kind = Kind::default();
        assert_eq!(kind.pass(0), Some(0));
        assert_eq!((kind.pass(0), kind.pass(0)), (None, None));
        assert_eq!(kind.pass(1), Some(2));
        assert_eq!(kind.pass(9), Some(0));
    }

    #[test]
    fn causes_are_told_to_the_root() {
        let error = ApiError::from(StoreError::unavailable(std::io::Error::other("connection refused")));
        assert_eq!(causes(&error), "the store is not available: connection refused");
    }
}
