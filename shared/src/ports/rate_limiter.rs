//! Request limits. Law: a rested caller may use its whole quota at once; what it used comes back evenly over a minute
//! (GCRA), however many ask at once.

use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::CallerId;

/// So many requests a minute; a rested caller may send all of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Requests a minute.
    pub per_minute: NonZeroU32,
}

/// Whether a request may pass, and what to tell the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateDecision {
    /// Whether it may pass.
    pub allowed: bool,
    /// How many more would pass right now.
    pub remaining: u32,
    /// Until the whole quota is free again; for a refused request, until one would pass.
    pub wait: Duration,
}

/// Counts requests.
#[async_trait]
pub trait RateLimiter: Send + Sync + 'static {
    /// Counts one request of a caller.
    async fn check(&self, caller: &CallerId, quota: Quota) -> RateDecision;
}
