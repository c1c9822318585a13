//! Stores, a bus, a clock and an engine in memory, with faults to switch on.

mod bus;
mod engine;
mod log;
mod views;

pub(crate) use bus::{MemoryBus, Weather};
pub(crate) use engine::{Call, CountingEngine};
pub(crate) use log::MemoryLog;
pub(crate) use views::MemoryViews;

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use shared::domain::{ApiKey, ApiKeyHash, CallerId, Timestamp};
use shared::ports::{Clock, IdSource, KeyStore, Quota, RateDecision, RateLimiter, StoreError};

/// Time as the test's runtime has it: simulated where the runtime is paused.
pub(crate) struct RuntimeClock(tokio::time::Instant);

impl RuntimeClock {
    pub(crate) fn start() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000).plus(self.0.elapsed())
    }
}

/// 1, 2, 3, …
#[derive(Default)]
pub(crate) struct Counting(AtomicU64);

impl IdSource for Counting {
    fn random(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }
}

/// So many of the next calls fail.
#[derive(Default)]
pub(crate) struct Faults(AtomicU64);

impl Faults {
    pub(crate) fn next(&self, calls: u64) {
        self.0.store(calls, Ordering::SeqCst);
    }

    pub(crate) fn left(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether this call is to fail.
    pub(crate) fn hit(&self) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.hit() {
            return Err(StoreError::unavailable(io::Error::other("a fault of the test")));
        }
        Ok(())
    }
}

/// The worker needs neither keys nor limits.
pub(crate) struct Nobody;

#[async_trait]
impl KeyStore for Nobody {
    async fn find(&self, _: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError> {
        Ok(None)
    }
    async fn create(&self, _: &ApiKey) -> Result<(), StoreError> {
        Ok(())
    }
    async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        Ok(Vec::new())
    }
    async fn used(&self, _: &[(ApiKeyHash, Timestamp)]) -> Result<(), StoreError> {
        Ok(())
    }
    async fn revoke(&self, _: &str, _: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }
}

#[async_trait]
impl RateLimiter for Nobody {
    async fn check(&self, caller: &CallerId, _: Quota) -> RateDecision {
        debug_assert!(!matches!(caller, CallerId::Anonymous(IpAddr::V6(_))));
        RateDecision { allowed: true, remaining: 1, wait: Duration::ZERO }
    }
}
