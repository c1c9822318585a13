//! The breaker of an endpoint. Law: while it is open nobody waits for the endpoint; then one call at a time finds out
//! whether it is back.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Failures in a row that open it.
const FAILURES: u32 = 5;
/// How long it stays open at first,
const FIRST: Duration = Duration::from_secs(10);
/// and at most; each failed attempt doubles it.
const LONGEST: Duration = Duration::from_mins(5);

/// Counts an endpoint's failures.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    openings: u32,
    until: Option<Instant>,
    /// Since when one call finds out whether the endpoint is back.
    trying: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now. The one that is let through while it is open must end in
    /// [`Self::succeeded`], [`Self::failed`] or [`Self::undecided`].
    pub(crate) fn admits(&self, patience: Duration) -> bool {
        let now = Instant::now();
        let mut state = self.0.lock();
        let Some(until) = state.until else { return true };
        if now < until || state.trying.is_some_and(|since| now < since + patience) {
            return false;
        }
        state.trying = Some(now);
        true
    }

    /// The endpoint answered.
    pub(crate) fn succeeded(&self) {
        let mut state = self.0.lock();
        if state.until.is_some() {
            tracing::info!("the model's endpoint is back");
        }
        *state = State::default();
        metrics::gauge!("recap_llm_breaker_open").set(0.0);
    }

    /// The call says nothing about the endpoint.
    pub(crate) fn undecided(&self) {
        self.0.lock().trying = None;
    }

    /// The endpoint failed; `for_ever` opens it at once, `after` for at least so long.
    pub(crate) fn failed(&self, for_ever: bool, after: Option<Duration>) {
        let now = Instant::now();
        let mut state = self.0.lock();
        state.failures += 1;
        let tried = state.trying.take().is_some();
        if !for_ever && !tried && state.failures < FAILURES && after.is_none() {
            return;
        }
        if state.until.is_some_and(|until| now < until) && !tried && after.is_none() {
            return;
        }
        let opens = for_ever || tried || state.failures >= FAILURES;
        let wait = if opens { FIRST.saturating_mul(1 << state.openings.min(8)).min(LONGEST) } else { Duration::ZERO };
        let wait = if for_ever { LONGEST } else { wait }.max(after.unwrap_or_default());
        if opens {
            state.openings += 1;
        }
        state.until = Some(now + wait).max(state.until);
        drop(state);
        tracing::warn!(seconds = wait.as_secs(), for_ever, "the model's endpoint is left alone");
        metrics::gauge!("recap_llm_breaker_open").set(1.0);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const PATIENCE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_lets_one_through_later() {
        let breaker = Breaker::default();
        for _ in 0..FAILURES - 1 {
            breaker.failed(false, None);
        }
        breaker.succeeded();
        for _ in 0..FAILURES {
            assert!(breaker.admits(PATIENCE));
            breaker.failed(false, None);
        }
        assert!(!breaker.admits(PATIENCE));
        advance(FIRST).await;
        assert!(breaker.admits(PATIENCE));
        assert!(!breaker.admits(PATIENCE), "one at a time");
        breaker.failed(false, None);
        advance(FIRST).await;
        assert!(!breaker.admits(PATIENCE), "doubled");
        advance(FIRST).await;
        assert!(breaker.admits(PATIENCE));
        breaker.succeeded();
        assert!(breaker.admits(PATIENCE) && breaker.admits(PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_for_ever_opens_it_at_once_and_a_lost_trial_does_not_shut_it_for_good() {
        let breaker = Breaker::default();
        breaker.failed(true, None);
        advance(LONGEST / 2).await;
        assert!(!breaker.admits(PATIENCE));
        advance(LONGEST / 2).await;
        assert!(breaker.admits(PATIENCE));
        assert!(!breaker.admits(PATIENCE));
        advance(PATIENCE).await;
        assert!(breaker.admits(PATIENCE));
        breaker.undecided();
        assert!(breaker.admits(PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_names_a_time_is_left_alone_until_then() {
        let breaker = Breaker::default();
        breaker.failed(false, Some(Duration::from_secs(30)));
        assert!(!breaker.admits(PATIENCE));
        advance(Duration::from_secs(30)).await;
        assert!(breaker.admits(PATIENCE));
    }
}
