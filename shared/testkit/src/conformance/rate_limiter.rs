//! The laws of [`shared::ports::RateLimiter`], as far as they show within one minute.

/// All cases against one backend.
#[macro_export]
macro_rules! rate_limiter_suite {
    ($open:path) => {
        $crate::conformance_cases! { $open, rate_limiter:
            cases::the_whole_quota_passes_at_once_and_no_more,
            cases::callers_are_counted_apart,
            cases::callers_at_once_get_the_quota_between_them,
            cases::a_smaller_quota_holds_at_once,
        }
    };
}

pub mod cases {
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::time::Duration;

    use shared::domain::{CallerId, Digest};
    use shared::ports::{Quota, RateLimiter};
    use tokio::task::JoinSet;

    use crate::conformance::build::tenant;

    const MINUTE: Duration = Duration::from_mins(1);

    fn caller() -> CallerId {
        CallerId::Key(Digest::of(tenant().as_str().as_bytes()))
    }

    fn quota(per_minute: u32) -> Quota {
        Quota { per_minute: NonZeroU32::new(per_minute).unwrap() }
    }

    pub async fn the_whole_quota_passes_at_once_and_no_more(limiter: Arc<dyn RateLimiter>) {
        let caller = caller();
        for remaining in (0..100).rev() {
            let decision = limiter.check(&caller, quota(100)).await;
            assert_eq!((decision.allowed, decision.remaining), (true, remaining));
            assert!(decision.wait > Duration::ZERO && decision.wait <= MINUTE, "{decision:?}");
        }
        for _ in 0..3 {
            let decision = limiter.check(&caller, quota(100)).await;
            assert_eq!((decision.allowed, decision.remaining), (false, 0));
            assert!(decision.wait > Duration::ZERO && decision.wait <= MINUTE, "{decision:?}");
        }
    }

    pub async fn callers_are_counted_apart(limiter: Arc<dyn RateLimiter>) {
        let (one, other) = (caller(), caller());
        assert!(limiter.check(&one, quota(1)).await.allowed);
        assert!(!limiter.check(&one, quota(1)).await.allowed);
        assert!(limiter.check(&other, quota(1)).await.allowed);
    }

    pub async fn callers_at_once_get_the_quota_between_them(limiter: Arc<dyn RateLimiter>) {
        let caller = caller();
        let mut tasks = JoinSet::new();
        for _ in 0..200 {
            let (limiter, caller) = (Arc::clone(&limiter), caller.clone());
            tasks.spawn(async move { limiter.check(&caller, quota(50)).await.allowed });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|allowed| *allowed).count(), 50);
    }

    pub async fn a_smaller_quota_holds_at_once(limiter: Arc<dyn RateLimiter>) {
        let caller = caller();
        for _ in 0..10 {
            assert!(limiter.check(&caller, quota(10)).await.allowed);
        }
        assert!(!limiter.check(&caller, quota(5)).await.allowed);
        assert!(limiter.check(&caller, quota(20)).await.allowed);
    }
}
