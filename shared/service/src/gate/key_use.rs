//! When keys were last used, to the hour. Law: a request never waits for it, memory is bounded, and a key is written
//! about at most once an hour by each process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::domain::{ApiKey, ApiKeyHash, Timestamp};
use shared::ports::KeyStore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// How long uses are gathered before they are written together.
const GATHER: Duration = Duration::from_mins(1);
const WRITE_LIMIT: Duration = Duration::from_secs(2);
/// Keys that wait to be written; more are noted at their next lookup.
const MOST: usize = 10_000;

/// Uses that are not written yet.
#[derive(Default)]
pub(super) struct KeyUses(Mutex<HashMap<ApiKeyHash, Timestamp>>);

fn hour(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().div_euclid(HOUR_MS) * HOUR_MS)
}

impl KeyUses {
    /// A key was used; nothing is kept where the store knows of this hour already.
    pub(super) fn note(&self, key: &ApiKey, now: Timestamp) {
        let hour = hour(now);
        if key.last_used_at.is_some_and(|known| known >= hour) {
            return;
        }
        let mut uses = self.0.lock();
        if uses.len() < MOST || uses.contains_key(&key.hash) {
            uses.insert(key.hash, hour);
        }
    }

    /// Writes now and then until `stopping`, and once more then.
    pub(super) async fn keep(&self, store: Arc<dyn KeyStore>, stopping: CancellationToken) {
        while timeout(GATHER, stopping.cancelled()).await.is_err() {
            self.write(store.as_ref()).await;
        }
        self.write(store.as_ref()).await;
    }

    async fn write(&self, store: &dyn KeyStore) {
        let uses: Vec<_> = std::mem::take(&mut *self.0.lock()).into_iter().collect();
        if uses.is_empty() {
            return;
        }
        let failed = match timeout(WRITE_LIMIT, store.used(&uses)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the store does not answer".to_owned(),
        };
        // The next lookup of each key notes it again.
        tracing::warn!(because = failed, keys = uses.len(), "when keys were last used could not be written");
    }
}
