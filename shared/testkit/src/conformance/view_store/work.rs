//! Leases, failures, checkpoints, and erasing.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{Digest, Version};
use shared::ports::{ArrivalMark, DeadLetter, Gist, GistKey, HistoryQuery, ListQuery, ViewStore};
use tokio::task::JoinSet;

use super::steps::{keep, message, names, project, row, save, summary};
use crate::conformance::build::{at, fresh, key, tenant, user};

/// The backend under test.
type Store = Arc<dyn ViewStore>;

const SECOND: Duration = Duration::from_secs(1);

pub async fn a_lease_has_one_owner_until_its_time_is_over(store: Store) {
    let tenant = tenant();
    let (a, b) = (key(&tenant, "a"), key(&tenant, "b"));
    let take = async |key, owner, now| store.lease(key, owner, at(now), SECOND).await.unwrap();
    assert!(take(&a, "x", 0).await);
    assert!(!take(&a, "y", 999).await);
    assert!(take(&b, "y", 999).await, "another conversation");
    assert!(take(&a, "x", 500).await, "prolonged to 1500");
    assert!(!take(&a, "y", 1499).await);
    assert!(take(&a, "y", 1500).await);
    assert!(!take(&a, "x", 1600).await);
    store.release(&a, "x").await.unwrap();
    assert!(!take(&a, "x", 1600).await, "only its owner gives it back");
    store.release(&a, "y").await.unwrap();
    assert!(take(&a, "x", 1600).await);
}

pub async fn of_many_workers_one_takes_a_lease(store: Store) {
    let key = fresh();
    let mut tasks = JoinSet::new();
    for worker in 0..16 {
        let (store, key) = (Arc::clone(&store), key.clone());
        tasks.spawn(async move { store.lease(&key, &format!("w{worker}"), at(0), SECOND).await.unwrap() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|taken| *taken).count(), 1);
}

pub async fn failures_are_counted_in_a_row(store: Store) {
    let tenant = tenant();
    let letter = |name: &str, millis| DeadLetter {
        key: key(&tenant, name),
        hop: "summarize".to_owned(),
        reason: "the engine is not available".to_owned(),
        at: at(millis),
        attempts: 0,
    };
    let dead = async |attempts| {
        let letters = store.dead_letters(attempts, 100_000).await.unwrap();
        letters.into_iter().filter(|letter| letter.key.tenant == tenant).collect::<Vec<_>>()
    };
    store.succeeded(&key(&tenant, "a")).await.unwrap();
    for attempt in 1..=3 {
        assert_eq!(store.failed(&letter("a", i64::from(attempt))).await.unwrap(), attempt);
    }
    assert_eq!(store.failed(&letter("b", 9)).await.unwrap(), 1);
    assert_eq!(dead(2).await, [DeadLetter { attempts: 3, ..letter("a", 3) }]);
    assert_eq!(dead(1).await.len(), 2);
    store.succeeded(&key(&tenant, "a")).await.unwrap();
    assert_eq!(dead(1).await, [DeadLetter { attempts: 1, ..letter("b", 9) }]);
    assert_eq!(store.failed(&letter("a", 4)).await.unwrap(), 1);
}

pub async fn checkpoints_are_kept_by_reader(store: Store) {
    let (one, two) = (tenant().to_string(), tenant().to_string());
    assert_eq!(store.checkpoint(&one).await.unwrap(), ArrivalMark::default());
    for mark in ["17", "18"] {
        store.save_checkpoint(&one, &ArrivalMark(mark.into())).await.unwrap();
        assert_eq!(store.checkpoint(&one).await.unwrap(), ArrivalMark(mark.into()));
    }
    assert_eq!(store.checkpoint(&two).await.unwrap(), ArrivalMark::default());
}

pub async fn nothing_is_left_of_an_erased_conversation(store: Store) {
    let tenant = tenant();
    let (gone, stays) = (key(&tenant, "gone"), key(&tenant, "stays"));
    let gist_key = GistKey { content: Digest::of(b"1"), maker: "m".into() };
    for key in [&gone, &stays] {
        project(&*store, key, &[message(1, "u", 1), message(2, "v", 2)]).await;
        save(&*store, key, Version::ZERO, &summary(1, 1)).await;
        keep(&*store, key, &gist_key, &Gist("text".into())).await;
        assert!(store.lease(key, "x", at(0), SECOND).await.unwrap());
        let letter = DeadLetter { key: key.clone(), hop: "h".into(), reason: "r".into(), at: at(1), attempts: 0 };
        store.failed(&letter).await.unwrap();
    }
    store.erase(&gone).await.unwrap();
    store.erase(&gone).await.unwrap();
    let all = HistoryQuery { start: None, end: None, offset: 0, limit: 100 };
    let list = ListQuery { contains: None, offset: 0, limit: 100 };
    for (round, key) in [&gone, &stays].into_iter().enumerate() {
        let left = round == 1;
        assert_eq!(row(&*store, key).await.is_some(), left);
        assert_eq!(store.participants(key).await.unwrap() == 2, left);
        assert_eq!(store.newest_summary(key).await.unwrap().is_some(), left);
        assert_eq!(store.summaries(key, 0, 9).await.unwrap().1 == 1, left);
        assert_eq!(store.gist(key, &gist_key).await.unwrap().is_some(), left);
        assert_eq!(store.lease(key, "y", at(0), SECOND).await.unwrap(), !left);
        assert_eq!(store.dead_letters(1, 100_000).await.unwrap().iter().any(|letter| letter.key == *key), left);
    }
    assert_eq!(names(&store.list(&tenant, &list).await.unwrap().0, &tenant), ["stays"]);
    assert_eq!(store.history(&tenant, &user("u"), &all).await.unwrap().1, 1);
    assert_eq!(names(&store.uncovered(None, 100_000).await.unwrap(), &tenant), ["stays"]);
    assert_eq!(names(&store.idle(at(100), 100_000).await.unwrap(), &tenant), ["stays"]);
    project(&*store, &gone, &[message(1, "u", 1)]).await;
    assert_eq!(store.participants(&gone).await.unwrap(), 1);
}
