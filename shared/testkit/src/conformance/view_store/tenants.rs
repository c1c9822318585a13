//! Equal names in two tenants.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{Digest, Version};
use shared::ports::{DeadLetter, Gist, GistKey, HistoryQuery, ListQuery, ViewStore};

use super::steps::{message, project, row, summary};
use crate::conformance::build::{at, key, tenant, user};

/// The backend under test.
type Store = Arc<dyn ViewStore>;

const SECOND: Duration = Duration::from_secs(1);

pub async fn equal_names_in_two_tenants_never_meet(store: Store) {
    let (mine, theirs) = (key(&tenant(), "twin"), key(&tenant(), "twin"));
    let gist_key = GistKey { content: Digest::of(b"1"), maker: "m".into() };
    for (key, messages) in [(&mine, 1), (&theirs, 2)] {
        let records: Vec<_> = (1..=messages).map(|seq| message(seq, "u", 1)).collect();
        project(&*store, key, &records).await;
        assert_eq!(store.newest_summary(key).await.unwrap(), None);
        store.save_summary(key, Version::ZERO, &summary(1, messages)).await.unwrap();
        assert_eq!(store.gist(key, &gist_key).await.unwrap(), None);
        store.save_gist(key, &gist_key, &Gist(messages.to_string().into())).await.unwrap();
        assert!(store.lease(key, "one owner of both", at(0), SECOND).await.unwrap());
        let letter = DeadLetter { key: key.clone(), hop: "h".into(), reason: "r".into(), at: at(1), attempts: 0 };
        assert_eq!(store.failed(&letter).await.unwrap(), 1);
    }
    let all = HistoryQuery { start: None, end: None, offset: 0, limit: 100 };
    let list = ListQuery { contains: None, offset: 0, limit: 100 };
    for (key, messages) in [(&mine, 1), (&theirs, 2)] {
        assert_eq!(row(&*store, key).await.unwrap().view.messages, messages);
        assert_eq!(store.list(&key.tenant, &list).await.unwrap().1, 1);
        let (rows, total) = store.history(&key.tenant, &user("u"), &all).await.unwrap();
        assert_eq!((rows[0].messages, total), (messages, 1));
        assert_eq!(store.newest_summary(key).await.unwrap(), Some(summary(1, messages)));
        assert_eq!(store.gist(key, &gist_key).await.unwrap(), Some(Gist(messages.to_string().into())));
    }
    store.release(&mine, "one owner of both").await.unwrap();
    assert!(!store.lease(&theirs, "another", at(0), SECOND).await.unwrap(), "the other's lease stands");
    store.succeeded(&mine).await.unwrap();
    store.erase(&mine).await.unwrap();
    assert!(store.dead_letters(1, 100_000).await.unwrap().iter().any(|letter| letter.key == theirs));
    assert_eq!(store.newest_summary(&theirs).await.unwrap(), Some(summary(1, 2)));
    assert_eq!(store.participants(&theirs).await.unwrap(), 1);
}
