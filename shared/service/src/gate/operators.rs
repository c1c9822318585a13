//! What stands behind the gate of a listener for operators, which is there before any store is open.

use std::time::Duration;

use async_trait::async_trait;
use shared::domain::{ApiKey, ApiKeyHash, CallerId, Timestamp};
use shared::ports::{KeyStore, Quota, RateDecision, RateLimiter, StoreError};

/// Knows no key.
pub(super) struct NoKeys;

#[async_trait]
impl KeyStore for NoKeys {
    async fn find(&self, _hash: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError> {
        Ok(None)
    }

    async fn create(&self, _key: &ApiKey) -> Result<(), StoreError> {
        Err(StoreError::unavailable(std::io::Error::other("this listener has no keys")))
    }

    async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        Ok(Vec::new())
    }

    async fn used(&self, _uses: &[(ApiKeyHash, Timestamp)]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn revoke(&self, _prefix: &str, _at: Timestamp) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// Lets everything pass.
pub(super) struct NoLimit;

#[async_trait]
impl RateLimiter for NoLimit {
    async fn check(&self, _caller: &CallerId, quota: Quota) -> RateDecision {
        RateDecision { allowed: true, remaining: quota.per_minute.get(), wait: Duration::ZERO }
    }
}
