//! Request limits and the headers that tell them (draft-ietf-httpapi-ratelimit-headers).
//! Law: where there is no limit, the limiter is not asked.

use std::io::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use shared::domain::{Caller, CallerId};
use shared::error_code::ErrorCode;
use shared::ports::{Quota, RateDecision, RateLimiter};

use crate::error::ApiError;
use crate::limits::{self, Limit};

const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

pub(super) struct Quotas {
    limiter: Arc<dyn RateLimiter>,
    key: Option<Policy>,
    anonymous: Option<Policy>,
}

/// A quota with its header, written once.
#[derive(Clone)]
struct Policy {
    quota: Quota,
    header: HeaderValue,
}

impl Policy {
    fn new(per_minute: u32) -> Option<Self> {
        let per_minute = NonZeroU32::new(per_minute)?;
        let header = header(format_args!("\"default\";q={per_minute};w=60"));
        Some(Self { quota: Quota { per_minute }, header })
    }
}

/// What a counted request is told.
pub(super) struct Counted {
    policy: HeaderValue,
    decision: RateDecision,
    limit: Limit,
}

impl Quotas {
    /// `key` and `anonymous` are requests a minute; 0 means no limit.
    pub(super) fn new(limiter: Arc<dyn RateLimiter>, key: u32, anonymous: u32) -> Self {
        Self { limiter, key: Policy::new(key), anonymous: Policy::new(anonymous) }
    }

    /// Counts a request; `None` if the caller has no limit.
    pub(super) async fn count(&self, caller: &Caller) -> Option<Counted> {
        let own;
        let policy = match (caller.rate, &caller.id) {
            (Some(rate), _) => {
                own = Policy::new(rate);
                own.as_ref()
            }
            (None, CallerId::Key(_)) => self.key.as_ref(),
            (None, CallerId::Anonymous(_)) => self.anonymous.as_ref(),
        }?;
        let decision = self.limiter.check(&caller.id, policy.quota).await;
        let limit = match caller.id {
            CallerId::Key(_) => Limit::RequestsPerKey,
            CallerId::Anonymous(_) => Limit::RequestsPerAddress,
        };
        Some(Counted { policy: policy.header.clone(), decision, limit })
    }
}

impl Counted {
    /// The refusal, if the request may not pass.
    pub(super) fn refusal(&self) -> Option<ApiError> {
        if self.decision.allowed {
            return None;
        }
        limits::refused(self.limit);
        let seconds = whole_seconds(self.decision.wait).max(1);
        let error = ApiError::new(ErrorCode::RateLimited, format!("too many requests; try again in {seconds} s"));
        Some(error.retry_after(self.decision.wait))
    }

    /// Adds the two headers.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        let (remaining, wait) = (self.decision.remaining, whole_seconds(self.decision.wait));
        headers.insert(RATE_LIMIT_POLICY, self.policy);
        headers.insert(RATE_LIMIT, header(format_args!("\"default\";r={remaining};t={wait}")));
    }
}

/// Rounded up.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn header(text: std::fmt::Arguments<'_>) -> HeaderValue {
    let mut buffer = [0; 64];
    let mut rest = &mut buffer[..];
    // Two numbers of at most 20 digits and the words around them fit into 64 bytes.
    let _ = rest.write_fmt(text);
    let left = rest.len();
    HeaderValue::from_bytes(&buffer[..64 - left]).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use shared::domain::{ApiKeyHash, Scopes, TenantId};

    use super::*;

    /// Lets `q - 1` more pass.
    struct Echo;

    #[async_trait::async_trait]
    impl RateLimiter for Echo {
        async fn check(&self, _caller: &CallerId, quota: Quota) -> RateDecision {
            let remaining = quota.per_minute.get() - 1;
            RateDecision { allowed: remaining > 0, remaining, wait: Duration::from_millis(1500) }
        }
    }

    async fn told(key: bool, rate: Option<u32>, defaults: (u32, u32)) -> Option<(String, String)> {
        let id =
            if key { CallerId::Key(ApiKeyHash::of(b"")) } else { CallerId::Anonymous(IpAddr::V4(Ipv4Addr::LOCALHOST)) };
        let caller = Caller { id, tenant: TenantId::public(), scopes: Scopes::default(), rate, prefix: None };
        let counted = Quotas::new(Arc::new(Echo), defaults.0, defaults.1).count(&caller).await?;
        let mut headers = HeaderMap::new();
        counted.write(&mut headers);
        let text = |name| headers[&name].to_str().unwrap().to_owned();
        Some((text(RATE_LIMIT_POLICY), text(RATE_LIMIT)))
    }

    #[tokio::test]
    async fn the_quota_is_that_of_the_key_or_the_default() {
        let quota = |q: u32| Some((format!("\"default\";q={q};w=60"), format!("\"default\";r={};t=2", q - 1)));
        assert_eq!(told(true, None, (100, 10)).await, quota(100));
        assert_eq!(told(false, None, (100, 10)).await, quota(10));
        assert_eq!(told(true, Some(7), (100, 10)).await, quota(7));
        assert_eq!(told(true, Some(u32::MAX), (0, 0)).await, quota(u32::MAX));
    }

    #[tokio::test]
    async fn zero_is_no_limit() {
        assert_eq!(told(true, Some(0), (100, 10)).await, None);
        assert_eq!(told(true, None, (0, 10)).await, None);
        assert_eq!(told(false, None, (100, 0)).await, None);
    }
}
