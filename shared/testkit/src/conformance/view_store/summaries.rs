//! Versions and gists.

use std::sync::Arc;

use shared::domain::{Digest, Version};
use shared::ports::{CasOutcome, Gist, GistKey, ViewStore};
use tokio::task::JoinSet;

use super::steps::{keep, message, project, row, save, summary};
use crate::conformance::build::{fresh, key, tenant};

/// The backend under test.
type Store = Arc<dyn ViewStore>;

pub async fn versions_follow_each_other(store: Store) {
    let key = fresh();
    project(&*store, &key, &[message(1, "u", 1)]).await;
    assert_eq!(store.newest_summary(&key).await.unwrap(), None);
    let save = async |previous, version: u64| save(&*store, &key, Version(previous), &summary(version, version)).await;
    assert_eq!(save(1, 2).await, CasOutcome::Stale, "there is no first one");
    assert_eq!(save(0, 1).await, CasOutcome::Applied);
    assert_eq!(save(0, 1).await, CasOutcome::Stale);
    assert_eq!(save(1, 2).await, CasOutcome::Applied);
    assert_eq!(save(0, 1).await, CasOutcome::Stale);
    assert_eq!(save(3, 4).await, CasOutcome::Stale, "no holes");
    assert_eq!(store.newest_summary(&key).await.unwrap(), Some(summary(2, 2)));
    assert_eq!(row(&*store, &key).await.unwrap().summary, Some(summary(2, 2).pointer()));
    project(&*store, &key, &[message(2, "u", 2)]).await;
    assert_eq!(row(&*store, &key).await.unwrap().summary, Some(summary(2, 2).pointer()), "a step keeps it");
}

pub async fn of_many_workers_one_saves_a_version(store: Store) {
    let key = fresh();
    project(&*store, &key, &[message(1, "u", 1)]).await;
    for version in 1..=3 {
        let mut tasks = JoinSet::new();
        for last in 0..12 {
            let (store, key) = (Arc::clone(&store), key.clone());
            tasks.spawn(async move {
                let summary = summary(version, last);
                (last, save(&*store, &key, Version(version - 1), &summary).await)
            });
        }
        let outcomes = tasks.join_all().await;
        let applied: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome == CasOutcome::Applied).collect();
        assert_eq!(applied.len(), 1);
        assert_eq!(store.newest_summary(&key).await.unwrap(), Some(summary(version, applied[0].0)));
    }
}

pub async fn versions_are_paged_newest_first(store: Store) {
    let key = fresh();
    project(&*store, &key, &[message(1, "u", 1)]).await;
    for version in 1..=5 {
        save(&*store, &key, Version(version - 1), &summary(version, 1)).await;
    }
    for (offset, limit, expected) in [(0, 2, vec![5, 4]), (3, 9, vec![2, 1]), (5, 2, vec![]), (99, 1, vec![])] {
        let (versions, total) = store.summaries(&key, offset, limit).await.unwrap();
        assert_eq!((versions.iter().map(|v| v.version.0).collect::<Vec<_>>(), total), (expected, 5));
    }
    assert_eq!(store.summaries(&fresh(), 0, 9).await.unwrap(), (vec![], 0));
}

pub async fn gists_are_kept_by_content_and_maker(store: Store) {
    let tenant = tenant();
    let (a, b) = (key(&tenant, "a"), key(&tenant, "b"));
    project(&*store, &a, &[message(1, "u", 1)]).await;
    project(&*store, &b, &[message(1, "u", 1)]).await;
    let gist = |text: &str| Gist(text.into());
    let of = |content: &[u8], maker: &str| GistKey { content: Digest::of(content), maker: maker.into() };
    let one = of(b"1", "local/1");
    assert_eq!(store.gist(&a, &one).await.unwrap(), None);
    keep(&*store, &a, &one, &gist("{\"a\":\"🦀\"}")).await;
    keep(&*store, &a, &of(b"2", "local/1"), &gist("two")).await;
    keep(&*store, &b, &one, &gist("of b")).await;
    assert_eq!(store.gist(&a, &one).await.unwrap(), Some(gist("{\"a\":\"🦀\"}")));
    assert_eq!(store.gist(&b, &one).await.unwrap(), Some(gist("of b")));
    assert_eq!(store.gist(&a, &of(b"1", "local/2")).await.unwrap(), None);
    assert_eq!(store.gist(&a, &of(b"3", "local/1")).await.unwrap(), None);
    keep(&*store, &a, &one, &gist("again")).await;
    assert!(store.gist(&a, &one).await.unwrap().is_some());
}

pub async fn nothing_is_kept_for_a_conversation_without_a_view(store: Store) {
    let key = fresh();
    assert_eq!(save(&*store, &key, Version::ZERO, &summary(1, 1)).await, CasOutcome::Stale);
    let gist_key = GistKey { content: Digest::of(b"1"), maker: "m".into() };
    keep(&*store, &key, &gist_key, &Gist("text of an erased conversation".into())).await;
    project(&*store, &key, &[message(1, "u", 1)]).await;
    assert_eq!(store.newest_summary(&key).await.unwrap(), None);
    assert_eq!(store.gist(&key, &gist_key).await.unwrap(), None);
}
