//! Request limits counted within one process. Law: a caller that rested for a minute may use its whole quota at once,
//! and from then on gets one request back each time a quota's share of a minute has passed (GCRA, by `governor`).
//!
//! A quota has its own limiter, since `governor` ties a limiter to one. It never forgets a caller by itself: those whose
//! quota is whole again are swept out here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use parking_lot::RwLock;
use shared::domain::CallerId;
use shared::ports::{Quota, RateDecision, RateLimiter};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);
/// So many requests between two sweeps at the least; as many as there are callers, if those are more.
const SWEEP_EVERY: u64 = 4096;
/// The most callers of a quota. Beyond it all of them are forgotten: memory stays bounded when an attacker has more
/// addresses than that, whom no limit by address could hold.
const MOST: usize = 1 << 20;

type Callers = HashMapStateStore<CallerId>;
type Limiter = governor::RateLimiter<CallerId, Callers, Monotonic, StateInformationMiddleware>;

/// Time since the limiter was made.
#[derive(Debug, Clone, Copy)]
struct Monotonic {
    started: Instant,
}

impl Clock for Monotonic {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Counts the requests of each caller.
pub struct LocalRateLimiter {
    limiters: RwLock<HashMap<Quota, Limiter>>,
    clock: Monotonic,
    most: usize,
    counted: AtomicU64,
    sweep_at: AtomicU64,
}

impl LocalRateLimiter {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::of_at_most(MOST)
    }

    fn of_at_most(most: usize) -> Self {
        Self {
            limiters: RwLock::default(),
            clock: Monotonic { started: Instant::now() },
            most,
            counted: AtomicU64::new(0),
            sweep_at: AtomicU64::new(SWEEP_EVERY),
        }
    }

    /// Counts one request of a caller.
    pub(crate) fn count(&self, caller: &CallerId, quota: Quota) -> RateDecision {
        if self.counted.fetch_add(1, Ordering::Relaxed) >= self.sweep_at.load(Ordering::Relaxed) {
            self.sweep();
        }
        if let Some(limiter) = self.limiters.read().get(&quota) {
            return self.ask(limiter, caller, quota);
        }
        let mut limiters = self.limiters.write();
        self.ask(limiters.entry(quota).or_insert_with(|| self.limiter(quota)), caller, quota)
    }

    fn limiter(&self, quota: Quota) -> Limiter {
        let callers = Callers::new(HashMap::default());
        governor::RateLimiter::new(governor::Quota::per_minute(quota.per_minute), callers, self.clock)
    }

    fn ask(&self, limiter: &Limiter, caller: &CallerId, quota: Quota) -> RateDecision {
        match limiter.check_key(caller) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = quota.per_minute.get().saturating_sub(remaining);
                let wait = (state.quota().replenish_interval() * used).min(MINUTE);
                RateDecision { allowed: true, remaining, wait }
            }
            Err(refused) => {
                RateDecision { allowed: false, remaining: 0, wait: refused.wait_time_from(self.clock.now()) }
            }
        }
    }

    /// Forgets callers whose quota is whole again, and quotas that nobody uses.
    fn sweep(&self) {
        let mut limiters = self.limiters.write();
        let mut callers = 0;
        limiters.retain(|quota, limiter| {
            limiter.retain_recent();
            if limiter.len() > self.most {
                tracing::warn!(
                    callers = limiter.len(),
                    quota = quota.per_minute,
                    "too many callers to count; their counts begin anew"
                );
                return false;
            }
            callers += limiter.len() as u64;
            !limiter.is_empty()
        });
        let counted = self.counted.load(Ordering::Relaxed);
        self.sweep_at.store(counted + callers.max(SWEEP_EVERY), Ordering::Relaxed);
    }
}

impl Default for LocalRateLimiter {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl RateLimiter for LocalRateLimiter {
    async fn check(&self, caller: &CallerId, quota: Quota) -> RateDecision {
        self.count(caller, quota)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};
    use std::num::NonZeroU32;

    use tokio::time::advance;

    fn caller(number: u32) -> CallerId {
        CallerId::Anonymous(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    fn quota(per_minute: u32) -> Quota {
        Quota { per_minute: NonZeroU32::new(per_minute).unwrap() }
    }

    fn callers(limiter: &LocalRateLimiter) -> usize {
        limiter.limiters.read().values().map(Limiter::len).sum()
    }

    #[tokio::test(start_paused = true)]
    async fn one_comes_back_each_time_its_share_of_a_minute_has_passed() {
        let limiter = LocalRateLimiter::new();
        for used in 1..=10 {
            let decision = limiter.count(&caller(1), quota(10));
            let wait = Duration::from_secs(6) * used;
            assert_eq!(decision, RateDecision { allowed: true, remaining: 10 - used, wait });
        }
        advance(Duration::from_secs(5)).await;
        let refused = limiter.count(&caller(1), quota(10));
        assert_eq!(refused, RateDecision { allowed: false, remaining: 0, wait: Duration::from_secs(1) });
        advance(Duration::from_millis(999)).await;
        assert!(!limiter.count(&caller(1), quota(10)).allowed);
        advance(Duration::from_millis(1)).await;
        let back = limiter.count(&caller(1), quota(10));
        assert_eq!(back, RateDecision { allowed: true, remaining: 0, wait: MINUTE });
        assert!(!limiter.count(&caller(1), quota(10)).allowed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_caller_at_its_rate_is_never_refused_and_a_faster_one_gets_that_rate() {
        let limiter = LocalRateLimiter::new();
        let mut passed = 0;
        for _ in 0..1000 {
            assert!(limiter.count(&caller(1), quota(100)).allowed);
            passed += usize::from(limiter.count(&caller(2), quota(50)).allowed);
            advance(Duration::from_millis(600)).await;
        }
        // 50 at once, and 50 in each of 10 minutes.
        assert!((548..=550).contains(&passed), "{passed}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_largest_quota_is_no_limit() {
        let limiter = LocalRateLimiter::new();
        for _ in 0..1000 {
            assert!(limiter.count(&caller(1), quota(u32::MAX)).allowed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn callers_with_a_whole_quota_are_forgotten() {
        let limiter = LocalRateLimiter::new();
        for number in 0..20_000 {
            limiter.count(&caller(number), quota(10));
            advance(Duration::from_millis(10)).await;
        }
        assert!(callers(&limiter) <= 2 * 4096, "{}", callers(&limiter));
        advance(2 * MINUTE).await;
        for _ in 0..2 * SWEEP_EVERY {
            limiter.count(&caller(1), quota(100));
        }
        assert_eq!(callers(&limiter), 1);
        assert!(!limiter.limiters.read().contains_key(&quota(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_of_callers_is_bounded() {
        let limiter = LocalRateLimiter::of_at_most(10_000);
        for number in 0..100_000 {
            limiter.count(&caller(number), quota(1));
            assert!(callers(&limiter) <= 20_000 + 4096);
        }
    }
}
