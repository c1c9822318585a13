//! Our own limits on calls: how many at once, how many tokens a minute, how many tries over again.
//!
//! Law: whoever waits here waits within its deadline, and what is not used does not pile up beyond a minute.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// For each call so many hundredths of another try are earned,
const EARNED: u32 = 20;
/// and so many hundredths are kept at most.
const KEPT: u32 = 1_000;

/// How many calls are under way, and how many tokens they may use.
#[derive(Debug)]
pub(crate) struct Limits {
    calls: Semaphore,
    tokens: Option<TokenRate>,
    retries: Mutex<u32>,
}

impl Limits {
    pub(crate) fn new(concurrency: u16, tokens_per_minute: Option<u64>) -> Self {
        Self {
            calls: Semaphore::new(usize::from(concurrency)),
            tokens: tokens_per_minute.map(TokenRate::new),
            retries: Mutex::new(KEPT),
        }
    }

    /// The right to make one call of so many tokens; `None` if that does not come before the deadline.
    pub(crate) async fn enter(&self, tokens: u64, deadline: Instant) -> Option<SemaphorePermit<'_>> {
        let entering = async {
            let permit = self.calls.acquire().await.ok()?;
            if let Some(rate) = &self.tokens {
                tokio::time::sleep_until(rate.take(tokens, deadline)?).await;
            }
            Some(permit)
        };
        tokio::time::timeout_at(deadline, entering).await.ok().flatten()
    }

    /// A first try was made.
    pub(crate) fn called(&self) {
        let mut retries = self.retries.lock();
        *retries = (*retries + EARNED).min(KEPT);
    }

    /// Whether another try may be made.
    pub(crate) fn may_retry(&self) -> bool {
        let mut retries = self.retries.lock();
        let Some(left) = retries.checked_sub(100) else { return false };
        *retries = left;
        true
    }
}

/// Tokens flow in evenly; at most a minute's worth is at hand. A single call of more waits for a full minute's.
#[derive(Debug)]
struct TokenRate {
    per_minute: u64,
    /// From when on all tokens given so far have flowed in.
    settled: Mutex<Option<Instant>>,
}

impl TokenRate {
    fn new(per_minute: u64) -> Self {
        Self { per_minute, settled: Mutex::new(None) }
    }

    /// When a call of so many tokens may be made; `None` takes nothing, as it is after the deadline.
    fn take(&self, tokens: u64, deadline: Instant) -> Option<Instant> {
        let minute = Duration::from_mins(1);
        let share = tokens.min(self.per_minute) as f64 / self.per_minute as f64;
        let cost = minute.mul_f64(share);
        let now = Instant::now();
        let mut settled = self.settled.lock();
        let from = settled.unwrap_or(now).max(now);
        // With `from` a minute ahead nothing is at hand; a call may start once what it costs has flowed in.
        let at = (from + cost).checked_sub(minute).map_or(now, |at| at.max(now));
        if at > deadline {
            return None;
        }
        *settled = Some(from + cost);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn only_so_many_calls_at_once_and_nobody_waits_beyond_the_deadline() {
        let limits = Limits::new(1, None);
        let first = limits.enter(1, soon(1)).await;
        assert!(first.is_some());
        assert!(limits.enter(1, soon(5)).await.is_none());
        drop(first);
        assert!(limits.enter(1, soon(1)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn tokens_flow_in_over_a_minute() {
        let limits = Limits::new(9, Some(600));
        let begun = Instant::now();
        for _ in 0..3 {
            assert!(limits.enter(200, soon(1)).await.is_some());
        }
        assert_eq!(begun.elapsed(), Duration::ZERO, "a minute's worth is at hand");
        assert!(limits.enter(200, soon(5)).await.is_none());
        assert!(limits.enter(200, soon(90)).await.is_some());
        assert_eq!(begun.elapsed().as_secs(), 20);
        assert!(limits.enter(100_000, soon(600)).await.is_some());
        assert_eq!(begun.elapsed().as_secs(), 80, "a call of more than a minute's waits for a minute's");
    }

    #[test]
    fn tries_over_again_stay_below_a_fifth_of_calls() {
        let limits = Limits::new(1, None);
        let mut retries = 0;
        for _ in 0..1_000 {
            limits.called();
            while limits.may_retry() {
                retries += 1;
            }
        }
        assert!((200..=210).contains(&retries), "{retries}");
    }
}
