//! Keys looked up in the store, through a small cache. Laws: a revoked key works at most [`KNOWN_FOR`] longer;
//! memory is bounded however many keys are tried; the text of a key is never kept.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;
use shared::domain::{ApiKey, ApiKeyHash, Caller, CallerId};
use shared::error_code::ErrorCode;
use shared::ports::{Clock, KeyStore, StoreError};
use subtle::ConstantTimeEq as _;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::credentials::refused;
use super::key_use::KeyUses;
use crate::error::{ApiError, ApiResult};

/// How long a key that was found is believed.
pub const KNOWN_FOR: Duration = Duration::from_secs(5);
/// How long a key that was not found is refused without looking again.
pub const UNKNOWN_FOR: Duration = Duration::from_secs(1);
const MOST: usize = 10_000;
const LOOKUP_LIMIT: Duration = Duration::from_secs(2);

pub(super) struct KeyCache {
    store: Arc<dyn KeyStore>,
    clock: Arc<dyn Clock>,
    known: Cache<ApiKeyHash, (Arc<ApiKey>, Instant)>,
    unknown: Cache<ApiKeyHash, Instant>,
    uses: KeyUses,
}

/// A key, and whether it was just read from the store.
struct Found {
    key: Arc<ApiKey>,
    fresh: bool,
}

impl KeyCache {
    pub(super) fn new(store: Arc<dyn KeyStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, known: Cache::new(MOST), unknown: Cache::new(MOST), uses: KeyUses::default() }
    }

    /// Remembers when keys were last used, until `stopping`.
    pub(super) async fn keep_uses(&self, stopping: CancellationToken) {
        self.uses.keep(Arc::clone(&self.store), stopping).await;
    }

    /// Who owns the key with this text; `unauthenticated` if it is not known, revoked or expired.
    pub(super) async fn caller(&self, text: &str) -> ApiResult<Caller> {
        let hash = ApiKeyHash::of(text.as_bytes());
        let Some(Found { key, fresh }) = self.find(&hash).await? else {
            return Err(refused("this API key is not known"));
        };
        // Whatever its time says: the clock of whoever revoked it may go before ours.
        if key.revoked_at.is_some() {
            return Err(refused("this API key was revoked"));
        }
        if key.expires_at.is_some() || fresh {
            let now = self.clock.now();
            if key.expires_at.is_some_and(|at| at <= now) {
                return Err(refused("this API key has expired"));
            }
            if fresh {
                self.uses.note(&key, now);
            }
        }
        Ok(Caller {
            id: CallerId::Key(hash),
            tenant: key.tenant.clone(),
            scopes: key.scopes,
            rate: key.rate,
            prefix: Some(key.prefix.as_str().into()),
        })
    }

    async fn find(&self, hash: &ApiKeyHash) -> ApiResult<Option<Found>> {
        let now = Instant::now();
        if let Some((key, until)) = self.known.get(hash)
            && now < until
        {
            return Ok(Some(Found { key, fresh: false }));
        }
        if self.unknown.get(hash).is_some_and(|until| now < until) {
            return Ok(None);
        }
        let found = timeout(LOOKUP_LIMIT, self.store.find(hash)).await.unwrap_or(Err(StoreError::Timeout));
        let found = found.map_err(|error| {
            ApiError::new(ErrorCode::Unavailable, "keys cannot be checked now; try again").because(error)
        })?;
        // The store may compare in any way; this comparison takes the same time whatever differs.
        let matching = found.filter(|key| bool::from(key.hash.as_bytes().ct_eq(hash.as_bytes())));
        let Some(key) = matching.map(Arc::new) else {
            self.known.remove(hash);
            self.unknown.insert(*hash, now + UNKNOWN_FOR);
            return Ok(None);
        };
        self.known.insert(*hash, (Arc::clone(&key), now + KNOWN_FOR));
        Ok(Some(Found { key, fresh: true }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use parking_lot::Mutex;
    use shared::domain::{Scope, TenantId, Timestamp};

    use super::*;

    struct Store {
        key: Mutex<Option<ApiKey>>,
        lookups: AtomicUsize,
        uses: Mutex<Vec<(ApiKeyHash, Timestamp)>>,
    }

    #[async_trait::async_trait]
    impl KeyStore for Store {
        async fn find(&self, hash: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError> {
            self.lookups.fetch_add(1, Ordering::Relaxed);
            Ok(self.key.lock().clone().filter(|key| key.hash == *hash))
        }
        async fn create(&self, _key: &ApiKey) -> Result<(), StoreError> {
            Ok(())
        }
        async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
            Ok(Vec::new())
        }
        async fn used(&self, uses: &[(ApiKeyHash, Timestamp)]) -> Result<(), StoreError> {
            self.uses.lock().extend(uses);
            for (_, at) in uses {
                self.key.lock().as_mut().unwrap().last_used_at = Some(*at);
            }
            Ok(())
        }
        async fn revoke(&self, _prefix: &str, _at: Timestamp) -> Result<bool, StoreError> {
            Ok(false)
        }
    }

    struct At(i64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }
    }

    fn key(text: &str) -> ApiKey {
        ApiKey {
            hash: ApiKeyHash::of(text.as_bytes()),
            prefix: text[..4].to_owned(),
            tenant: TenantId::parse("acme").unwrap(),
            scopes: vec![Scope::Read].into(),
            rate: Some(7),
            created_at: Timestamp::from_millis(0),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        }
    }

    fn cache(key: Option<ApiKey>) -> (Arc<Store>, KeyCache) {
        cache_at(1000, key)
    }

    fn cache_at(millis: i64, key: Option<ApiKey>) -> (Arc<Store>, KeyCache) {
        let store =
            Arc::new(Store { key: Mutex::new(key), lookups: AtomicUsize::new(0), uses: Mutex::new(Vec::new()) });
        (Arc::clone(&store), KeyCache::new(store, Arc::new(At(millis))))
    }

    #[tokio::test(start_paused = true)]
    async fn a_known_key_is_looked_up_once_in_five_seconds() {
        let (store, cache) = cache(Some(key("rk_one")));
        for _ in 0..3 {
            let caller = cache.caller("rk_one").await.unwrap();
            assert_eq!((caller.tenant.as_str(), caller.rate), ("acme", Some(7)));
        }
        assert_eq!(store.lookups.load(Ordering::Relaxed), 1);
        store.key.lock().take();
        tokio::time::advance(KNOWN_FOR).await;
        assert_eq!(cache.caller("rk_one").await.unwrap_err().code(), ErrorCode::Unauthenticated);
        assert_eq!(store.lookups.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_key_is_refused_from_memory_for_a_second() {
        let (store, cache) = cache(None);
        assert!(cache.caller("rk_new").await.is_err());
        *store.key.lock() = Some(key("rk_new"));
        assert!(cache.caller("rk_new").await.is_err());
        assert_eq!(store.lookups.load(Ordering::Relaxed), 1);
        tokio::time::advance(UNKNOWN_FOR).await;
        assert!(cache.caller("rk_new").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_is_revoked_elsewhere_is_refused_within_five_seconds() {
        let (store, cache) = cache(Some(key("rk_one")));
        assert!(cache.caller("rk_one").await.is_ok());
        store.key.lock().as_mut().unwrap().revoked_at = Some(Timestamp::from_millis(0));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(cache.caller("rk_one").await.unwrap_err().code(), ErrorCode::Unauthenticated);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_use_is_written_to_the_hour_behind_the_requests_and_once() {
        const HOUR: i64 = 3_600_000;
        let (store, cache) = cache_at(5 * HOUR + 1234, Some(key("rk_one")));
        let (cache, stopping) = (Arc::new(cache), CancellationToken::new());
        let (own, stopped) = (Arc::clone(&cache), stopping.clone());
        let keeping = tokio::spawn(async move { own.keep_uses(stopped).await });
        for _ in 0..3 {
            cache.caller("rk_one").await.unwrap();
        }
        assert!(store.uses.lock().is_empty());
        tokio::time::sleep(Duration::from_secs(61)).await;
        let written = vec![(ApiKeyHash::of(b"rk_one"), Timestamp::from_millis(5 * HOUR))];
        assert_eq!(*store.uses.lock(), written);
        cache.caller("rk_one").await.unwrap();
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(*store.uses.lock(), written, "the hour was known");
        store.key.lock().as_mut().unwrap().last_used_at = Some(Timestamp::from_millis(4 * HOUR));
        cache.caller("rk_one").await.unwrap();
        stopping.cancel();
        keeping.await.unwrap();
        assert_eq!(store.uses.lock().len(), 2, "what was gathered is written at the end");
    }

    #[tokio::test]
    async fn revoked_keys_are_refused_and_expired_ones_from_that_moment() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        for (revoked_at, expires_at, good) in
            [(at(1000), None, false), (at(9999), None, false), (None, at(1000), false), (None, at(1001), true)]
        {
            let (_, cache) = cache(Some(ApiKey { revoked_at, expires_at, ..key("rk_one") }));
            assert_eq!(cache.caller("rk_one").await.is_ok(), good);
        }
    }
}
