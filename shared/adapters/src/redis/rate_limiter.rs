//! Request limits shared by all processes. Law: all processes together let through what one would (GCRA); without Redis
//! each process counts for itself, and no request waits or fails.
//!
//! One script, one round trip, and Redis's own clock, so that replicas whose clocks differ count alike. Each request is
//! counted here first: a caller that used up its quota here is refused without asking Redis, and stays refused when
//! Redis goes away.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::Script;
use shared::domain::CallerId;
use shared::ports::{Quota, RateDecision, RateLimiter};

use super::link::RedisLink;
use crate::rate_limiter::LocalRateLimiter;

/// The script of one request.
pub(super) const SCRIPT: &str = include_str!("limiter.lua");
/// A request waits for Redis this long at most. Some in a row that do, and Redis is not asked any more.
const LIMIT: Duration = Duration::from_millis(30);
const MINUTE: Duration = Duration::from_mins(1);

/// Counts the requests of each caller, in all processes together.
pub struct RedisRateLimiter {
    link: Arc<RedisLink>,
    local: LocalRateLimiter,
    script: Script,
    limit: Duration,
    window: Duration,
}

impl RedisRateLimiter {
    /// Counts in this Redis.
    #[must_use]
    pub fn new(link: Arc<RedisLink>) -> Self {
        Self { link, local: LocalRateLimiter::new(), script: Script::new(SCRIPT), limit: LIMIT, window: MINUTE }
    }

    /// Waits so long for an answer, instead of 30 ms.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    async fn ask(&self, caller: &CallerId, quota: Quota) -> Option<RateDecision> {
        let mut script = self.script.key(key(caller));
        script.arg(quota.per_minute.get()).arg(u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX));
        let call = |mut connection| async move { script.invoke_async::<(u8, u32, u64)>(&mut connection).await };
        let (allowed, remaining, wait) = self.link.call(self.limit, call).await?;
        Some(RateDecision { allowed: allowed == 1, remaining, wait: Duration::from_millis(wait) })
    }
}

fn key(caller: &CallerId) -> String {
    match caller {
        CallerId::Key(hash) => format!("recap:gcra:key:{hash}"),
        CallerId::Anonymous(address) => format!("recap:gcra:address:{address}"),
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn check(&self, caller: &CallerId, quota: Quota) -> RateDecision {
        let here = self.local.count(caller, quota);
        if !here.allowed {
            return here;
        }
        self.ask(caller, quota).await.unwrap_or(here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    use shared::domain::Digest;
    use shared_testkit::process::RedisServer;
    use shared_testkit::wait;
    use tokio::time::{Instant, sleep};

    fn caller() -> CallerId {
        CallerId::Key(Digest::of(b"caller"))
    }

    #[tokio::test]
    async fn in_redis_too_the_quota_comes_back_bit_by_bit_and_who_waits_passes() {
        let Some(server) = RedisServer::start().await.unwrap() else { return };
        let link = Arc::new(RedisLink::open(&server.url().parse().unwrap()).unwrap());
        wait::until("Redis", async || Ok(link.is_up().then_some(()))).await.unwrap();
        let limiter = RedisRateLimiter { window: Duration::from_millis(400), ..RedisRateLimiter::new(link) };
        let quota = Quota { per_minute: NonZeroU32::new(5).unwrap() };
        let share = limiter.window / 5;
        let mut passed = Vec::new();
        let mut in_a_row = 0;
        while passed.len() < 30 {
            let before = Instant::now();
            let decision = wait::until("an answer", async || Ok(limiter.ask(&caller(), quota).await)).await.unwrap();
            if decision.allowed {
                passed.push((before, Instant::now()));
                in_a_row = 0;
            } else {
                assert!(decision.wait > Duration::ZERO && decision.wait <= share, "{decision:?}");
                // Who waited as told is not refused again.
                in_a_row += 1;
                assert_eq!(in_a_row, 1);
                sleep(decision.wait).await;
            }
        }
        for from in 0..passed.len() {
            for to in from + 5..passed.len() {
                // Redis saw the first one no earlier than `before`, the last one no later than `after`; to a millisecond.
                let apart = passed[to].1.duration_since(passed[from].0) + Duration::from_millis(1);
                let more = u32::try_from(to - from - 4).unwrap();
                assert!(apart >= share * more, "{more} more than the quota in {apart:?}");
            }
        }
    }
}
