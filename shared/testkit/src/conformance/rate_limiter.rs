//! The laws of [`shared::ports::RateLimiter`].

/// All cases against one backend.
#[macro_export]
macro_rules! rate_limiter_suite {
    ($open:path) => {
        $crate::conformance_cases! { $open, rate_limiter:
            cases::the_whole_quota_passes_at_once_and_no_more,
            cases::callers_are_counted_apart,
            cases::callers_at_once_get_the_quota_between_them,
            cases::a_refused_caller_passes_after_the_wait_it_was_told,
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
        for remaining in (0..10).rev() {
            let decision = limiter.check(&caller, quota(10)).await;
            assert_eq!((decision.allowed, decision.remaining), (true, remaining));
            assert!(decision.wait > Duration::ZERO && decision.wait <= MINUTE, "{decision:?}");
        }
        for _ in 0..3 {
            let decision = limiter.check(&caller, quota(10)).await;
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
        for _ in 0..100 {
            let (limiter, caller) = (Arc::clone(&limiter), caller.clone());
            tasks.spawn(async move { limiter.check(&caller, quota(10)).await.allowed });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|allowed| *allowed).count(), 10);
    }

    pub async fn a_refused_caller_passes_after_the_wait_it_was_told(limiter: Arc<dyn RateLimiter>) {
        // One request comes back in a fifth of a second.
        let (caller, quota) = (caller(), quota(300));
        let refused = loop {
            let decision = limiter.check(&caller, quota).await;
            if !decision.allowed {
                break decision;
            }
        };
        assert!(refused.wait <= Duration::from_millis(200), "{refused:?}");
        tokio::time::sleep(refused.wait + Duration::from_millis(2)).await;
        assert!(limiter.check(&caller, quota).await.allowed);
    }
}
