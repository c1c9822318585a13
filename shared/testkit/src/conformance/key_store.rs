//! The laws of [`shared::ports::KeyStore`].

/// All cases against one backend.
#[macro_export]
macro_rules! key_store_suite {
    ($open:path) => {
        $crate::conformance_cases! { $open, key_store:
            cases::a_key_comes_back_as_it_was,
            cases::a_hash_stands_for_one_key,
            cases::a_key_is_revoked_by_its_prefix,
            cases::the_latest_use_of_a_key_is_kept,
        }
    };
}

pub mod cases {
    use std::sync::Arc;

    use shared::domain::{ApiKey, Digest, Scope};
    use shared::ports::KeyStore;

    use crate::conformance::build::{at, tenant};

    fn key(millis: i64) -> ApiKey {
        let tenant = tenant();
        ApiKey {
            hash: Digest::of(tenant.as_str().as_bytes()),
            prefix: format!("rk_{}", &tenant.as_str()[7..]),
            tenant,
            scopes: vec![Scope::Write, Scope::Admin].into(),
            rate: Some(7),
            created_at: at(millis),
            expires_at: Some(at(99)),
            revoked_at: None,
            last_used_at: None,
        }
    }

    pub async fn a_key_comes_back_as_it_was(store: Arc<dyn KeyStore>) {
        let second = ApiKey { rate: None, expires_at: None, scopes: vec![].into(), ..key(2) };
        let first = key(1);
        assert_eq!(store.find(&first.hash).await.unwrap(), None);
        store.create(&second).await.unwrap();
        store.create(&first).await.unwrap();
        for key in [&first, &second] {
            assert_eq!(store.find(&key.hash).await.unwrap().as_ref(), Some(key));
        }
        let listed = store.list().await.unwrap();
        let mine: Vec<_> = listed.into_iter().filter(|key| [&first.hash, &second.hash].contains(&&key.hash)).collect();
        assert_eq!(mine, [first, second], "oldest first");
    }

    pub async fn a_hash_stands_for_one_key(store: Arc<dyn KeyStore>) {
        let first = key(1);
        store.create(&first).await.unwrap();
        assert!(store.create(&ApiKey { tenant: tenant(), ..first.clone() }).await.is_err());
        assert_eq!(store.find(&first.hash).await.unwrap(), Some(first));
    }

    pub async fn a_key_is_revoked_by_its_prefix(store: Arc<dyn KeyStore>) {
        let (one, other) = (key(1), key(2));
        store.create(&one).await.unwrap();
        store.create(&other).await.unwrap();
        assert!(store.revoke(&one.prefix, at(50)).await.unwrap());
        assert!(store.revoke(&one.prefix, at(60)).await.unwrap());
        assert!(!store.revoke("rk_unknown", at(50)).await.unwrap());
        let found = store.find(&one.hash).await.unwrap().unwrap();
        assert_eq!(found.revoked_at, Some(at(50)), "the first time holds");
        assert_eq!(store.find(&other.hash).await.unwrap().unwrap().revoked_at, None);
    }

    pub async fn the_latest_use_of_a_key_is_kept(store: Arc<dyn KeyStore>) {
        let (one, other) = (key(1), key(2));
        store.create(&one).await.unwrap();
        store.create(&other).await.unwrap();
        store.used(&[]).await.unwrap();
        let nobody = Digest::of(b"nobody's");
        store.used(&[(one.hash, at(70)), (nobody, at(70))]).await.unwrap();
        store.used(&[(one.hash, at(60))]).await.unwrap();
        assert_eq!(store.find(&one.hash).await.unwrap().unwrap().last_used_at, Some(at(70)));
        assert_eq!(store.find(&other.hash).await.unwrap(), Some(other));
        assert_eq!(store.find(&nobody).await.unwrap(), None);
    }
}
