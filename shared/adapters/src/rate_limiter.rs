//! Request limits counted within one process. Law: within any minute a caller gets at most its quota, and may use
//! all of it at once.
//!
//! A token bucket or GCRA with a burst of n and a rate of n a minute lets nearly 2n pass in the first minute, and
//! one with a smaller burst refuses what the documented quota promises. So the times of the last n requests
//! are kept: 8 bytes for each request of the quota, for callers of the last minute only.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::CallerId;
use shared::ports::{Quota, RateDecision, RateLimiter};
use tokio::time::Instant;

const WINDOW_MS: u64 = 60_000;
/// Callers are spread over so many locks.
const SHARDS: usize = 16;
/// Callers in a shard from which on those that were silent for a minute are looked for.
const SWEEP_AT: usize = 1024;
/// The most callers in a shard. Beyond it, all of the shard are forgotten: memory stays bounded when an
/// attacker has more addresses than that, whom no limit by address could hold.
const MOST: usize = 65_536;

struct Shard {
    /// When each caller's last requests passed, in milliseconds, oldest first.
    callers: HashMap<CallerId, VecDeque<u64>>,
    sweep_at: usize,
}

/// Counts the requests of each caller.
pub struct LocalRateLimiter {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    started: Instant,
}

impl LocalRateLimiter {
    /// Nobody has asked yet.
    #[must_use]
    pub fn new() -> Self {
        let shard = || Mutex::new(Shard { callers: HashMap::new(), sweep_at: SWEEP_AT });
        Self { shards: (0..SHARDS).map(|_| shard()).collect(), hasher: RandomState::new(), started: Instant::now() }
    }

    /// What a request would be told now if it were refused. Counts nothing.
    #[cfg(feature = "redis")]
    pub(crate) fn refusal(&self, caller: &CallerId, quota: Quota) -> Option<RateDecision> {
        let now = self.now();
        self.shard(caller).lock().refusal(caller, quota, now)
    }

    /// Counts a request that was let through by someone else.
    #[cfg(feature = "redis")]
    pub(crate) fn note(&self, caller: &CallerId) {
        let now = self.now();
        self.shard(caller).lock().pass(caller, now);
    }

    /// Begins one window late, so that times can be subtracted from.
    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(WINDOW_MS)
    }

    fn shard(&self, caller: &CallerId) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(caller);
        let index = usize::try_from(hash % SHARDS as u64).unwrap_or(0);
        &self.shards[index]
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
        let now = self.now();
        self.shard(caller).lock().check(caller, quota, now)
    }
}

impl Shard {
    fn check(&mut self, caller: &CallerId, quota: Quota, now: u64) -> RateDecision {
        if let Some(refused) = self.refusal(caller, quota, now) {
            return refused;
        }
        let passed = self.pass(caller, now);
        let remaining = quota.per_minute.get().saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX));
        RateDecision { allowed: true, remaining, wait: Duration::from_millis(WINDOW_MS) }
    }

    fn refusal(&mut self, caller: &CallerId, quota: Quota, now: u64) -> Option<RateDecision> {
        let times = self.callers.get_mut(caller)?;
        while times.front().is_some_and(|time| time + WINDOW_MS <= now) {
            times.pop_front();
        }
        // A quota may have become smaller: as many must pass out of the window as are too many, and one.
        let too_many = times.len().checked_sub(quota.per_minute.get() as usize)?;
        let wait = times.get(too_many).map_or(0, |time| time + WINDOW_MS - now);
        Some(RateDecision { allowed: false, remaining: 0, wait: Duration::from_millis(wait) })
    }

    /// Counts a request; answers how many of the last minute there are now.
    fn pass(&mut self, caller: &CallerId, now: u64) -> usize {
        if self.callers.len() >= self.sweep_at {
            self.sweep(now);
        }
        let times = self.callers.entry(caller.clone()).or_default();
        times.push_back(now);
        times.len()
    }

    fn sweep(&mut self, now: u64) {
        self.callers.retain(|_, times| times.back().is_some_and(|time| time + WINDOW_MS > now));
        if self.callers.len() >= MOST {
            tracing::warn!(callers = self.callers.len(), "too many callers to count; their counts begin anew");
            self.callers = HashMap::new();
        }
        self.sweep_at = (2 * self.callers.len()).clamp(SWEEP_AT, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};
    use std::num::NonZeroU32;

    fn caller(number: u32) -> CallerId {
        CallerId::Anonymous(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    fn quota(per_minute: u32) -> Quota {
        Quota { per_minute: NonZeroU32::new(per_minute).unwrap() }
    }

    fn shard() -> Shard {
        Shard { callers: HashMap::new(), sweep_at: SWEEP_AT }
    }

    #[test]
    fn no_minute_holds_more_than_the_quota() {
        let mut shard = shard();
        let mut passed = Vec::new();
        for step in 0..2000_u64 {
            let now = WINDOW_MS + step * 137 + (step % 7) * 11;
            if shard.check(&caller(1), quota(100), now).allowed {
                passed.push(now);
            }
        }
        assert!(passed.len() > 300);
        for window in passed.windows(101) {
            assert!(window[100] - window[0] >= WINDOW_MS);
        }
    }

    #[test]
    fn a_refused_caller_passes_after_the_wait_it_was_told() {
        let mut shard = shard();
        for step in 0..10 {
            assert!(shard.check(&caller(1), quota(10), WINDOW_MS + step * 100).allowed);
        }
        let now = WINDOW_MS + 5000;
        let refused = shard.check(&caller(1), quota(10), now);
        assert_eq!(refused, RateDecision { allowed: false, remaining: 0, wait: Duration::from_secs(55) });
        assert!(!shard.check(&caller(1), quota(10), now + 54_999).allowed);
        assert!(shard.check(&caller(1), quota(10), now + 55_000).allowed);
    }

    #[test]
    fn silent_callers_are_forgotten_and_their_number_is_bounded() {
        let mut shard = shard();
        for number in 0..5000 {
            shard.check(&caller(number), quota(1), WINDOW_MS + u64::from(number) * 100);
        }
        assert!(shard.callers.len() <= 2 * SWEEP_AT, "{}", shard.callers.len());
        for number in 0..200_000 {
            shard.check(&caller(number), quota(1), 10 * WINDOW_MS * 60);
        }
        assert!(shard.callers.len() <= MOST, "{}", shard.callers.len());
    }
}
