//! API keys. Law: the text of a key is never stored, and a write is durable when the call returns.

use async_trait::async_trait;

use super::StoreError;
use crate::domain::{ApiKey, ApiKeyHash, Timestamp};

/// Where API keys are kept.
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// The key with this hash, revoked and expired ones too.
    async fn find(&self, hash: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError>;

    /// Adds a key.
    async fn create(&self, key: &ApiKey) -> Result<(), StoreError>;

    /// All keys, oldest first.
    async fn list(&self) -> Result<Vec<ApiKey>, StoreError>;

    /// Remembers when keys were last used: the latest of all that was said of a key holds. Keys that are not there are
    /// passed over. Need not be durable when it returns.
    async fn used(&self, uses: &[(ApiKeyHash, Timestamp)]) -> Result<(), StoreError>;

    /// Refuses a key from `at` on; false if there is none with this prefix.
    async fn revoke(&self, prefix: &str, at: Timestamp) -> Result<bool, StoreError>;
}
