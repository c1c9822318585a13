//! The books of models: reserve before, settle after; and summaries that a fallback engine wrote.

use std::sync::Arc;

use shared::domain::{Spend, SpendCap, SummaryVersion, UtcDay, Version};
use shared::ports::ViewStore;
use tokio::task::JoinSet;

use super::steps::{message, names, project, save, summary};
use crate::conformance::build::{at, key, tenant};

/// The backend under test.
type Store = Arc<dyn ViewStore>;

const DAY: UtcDay = UtcDay(20_000);

fn spend(tokens: u64, micros: u64) -> Spend {
    Spend { tokens, micros }
}

pub async fn a_reservation_is_refused_where_the_cap_would_be_passed(store: Store) {
    let tenant = tenant();
    let cap = SpendCap { tokens: Some(100), micros: Some(1_000) };
    let reserve = async |tokens, micros| store.reserve(&tenant, DAY, spend(tokens, micros), &cap).await.unwrap();
    assert!(!reserve(101, 0).await, "the first one too");
    assert_eq!(store.spent(&tenant, DAY).await.unwrap(), Spend::ZERO);
    assert!(reserve(60, 900).await);
    assert!(!reserve(41, 0).await);
    assert!(!reserve(1, 101).await, "either limit");
    assert!(reserve(40, 100).await, "what meets it exactly is within");
    assert_eq!(store.spent(&tenant, DAY).await.unwrap(), spend(100, 1_000));
    assert!(store.reserve(&tenant, DAY, spend(7, 7), &SpendCap::default()).await.unwrap(), "no cap, no limit");
}

pub async fn a_settlement_takes_the_place_of_its_reservation(store: Store) {
    let tenant = tenant();
    let cap = SpendCap { tokens: Some(100), micros: None };
    assert!(store.reserve(&tenant, DAY, spend(80, 800), &cap).await.unwrap());
    store.settle(&tenant, DAY, spend(80, 800), spend(30, 310)).await.unwrap();
    assert_eq!(store.spent(&tenant, DAY).await.unwrap(), spend(30, 310));
    assert!(store.reserve(&tenant, DAY, spend(70, 0), &cap).await.unwrap());
    store.settle(&tenant, DAY, spend(70, 0), spend(75, 5)).await.unwrap();
    assert_eq!(store.spent(&tenant, DAY).await.unwrap(), spend(105, 315), "what is spent is spent");
    store.settle(&tenant, DAY, spend(1_000, 1_000), Spend::ZERO).await.unwrap();
    assert_eq!(store.spent(&tenant, DAY).await.unwrap(), Spend::ZERO, "never below zero");
}

pub async fn tenants_and_days_have_books_of_their_own(store: Store) {
    let (one, two) = (tenant(), tenant());
    let cap = SpendCap { tokens: Some(10), micros: None };
    for (tenant, day) in [(&one, DAY), (&two, DAY), (&one, UtcDay(DAY.0 + 1))] {
        assert!(store.reserve(tenant, day, spend(10, 0), &cap).await.unwrap());
        assert!(!store.reserve(tenant, day, spend(1, 0), &cap).await.unwrap());
        assert_eq!(store.spent(tenant, day).await.unwrap(), spend(10, 0));
    }
}

pub async fn of_many_workers_none_passes_the_cap(store: Store) {
    let tenant = tenant();
    let mut workers = JoinSet::new();
    for _ in 0..50 {
        let (store, tenant) = (Arc::clone(&store), tenant.clone());
        workers.spawn(async move {
            let cap = SpendCap { tokens: Some(1_000), micros: None };
            let mut kept = 0;
            for _ in 0..4 {
                if store.reserve(&tenant, DAY, spend(30, 1), &cap).await.unwrap() {
                    store.settle(&tenant, DAY, spend(30, 1), spend(20, 1)).await.unwrap();
                    kept += 20;
                }
            }
            kept
        });
    }
    let kept: u64 = workers.join_all().await.into_iter().sum();
    let spent = store.spent(&tenant, DAY).await.unwrap();
    assert_eq!(spent.tokens, kept, "every settlement is in the books, once");
    assert!((900..=1_000).contains(&kept), "{kept}");
}

pub async fn degraded_summaries_are_found_newest_message_first(store: Store) {
    let tenant = tenant();
    let degraded = |version, last| SummaryVersion { degraded: true, ..summary(version, last) };
    for (place, name) in ["old", "new", "fine", "late"].into_iter().enumerate() {
        let key = key(&tenant, name);
        let millis = 1_000 + i64::try_from(place).unwrap();
        project(&*store, &key, &[message(1, "u", millis)]).await;
        let version = if name == "fine" { summary(1, 1) } else { degraded(1, 1) };
        save(&*store, &key, Version::ZERO, &version).await;
    }
    let found = async |before| {
        let rows = store.degraded(at(before), 100_000).await.unwrap();
        names(&rows, &tenant).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found(9_000).await, ["late", "new", "old"]);
    assert!(found(4_001).await.is_empty(), "made at 4001, so not before");
    save(&*store, &key(&tenant, "new"), Version(1), &summary(2, 1)).await;
    save(&*store, &key(&tenant, "late"), Version(1), &degraded(2, 1)).await;
    assert_eq!(found(4_002).await, ["old"]);
    assert_eq!(found(9_000).await, ["late", "old"]);
}
