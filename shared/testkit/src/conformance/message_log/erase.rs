//! Conversations that go.

use std::sync::Arc;

use shared::domain::{ConversationKey, Digest, Seq};
use shared::ports::{Append, ArrivalMark, Idempotency, MessageLog, Order, PageQuery, PageStart};

use crate::conformance::build::{append, batch, draft, draft_at, fresh, key, named, post, tenant, texts};

/// The backend under test.
type Log = Arc<dyn MessageLog>;

async fn page_of(log: &Log, key: &ConversationKey) -> Option<usize> {
    let query = PageQuery { order: Order::Ascending, start: PageStart::Offset(0), since: None, until: None, limit: 99 };
    log.page(key, &query).await.unwrap().map(|page| page.records.len())
}

async fn remembered(log: &Log, key: &ConversationKey) -> bool {
    log.erasures(10_000).await.unwrap().contains(key)
}

pub async fn an_erased_conversation_is_found_nowhere(log: Log) {
    let key = fresh();
    post(&*log, &key, vec![named("1", "a"), draft_at("late", 3)]).await;
    assert!(log.erase(&key).await.unwrap());
    assert!(log.read(&key, Seq(1), 9).await.unwrap().is_empty());
    assert_eq!(log.head(&key).await.unwrap(), None);
    assert_eq!(page_of(&log, &key).await, None);
    assert_eq!(log.records(&[(key.clone(), Seq(1))]).await.unwrap(), [None]);
    let arrivals = log.arrivals(&ArrivalMark::default(), 100_000).await.unwrap();
    assert!(arrivals.reached.iter().all(|reach| reach.key != key));
    assert!(!log.erase(&key).await.unwrap(), "it is gone already");
}

pub async fn an_erased_conversation_begins_anew(log: Log) {
    let key = fresh();
    append(&*log, batch(&key, vec![named("1", "a"), draft("b"), draft_at("late", 3)])).await.unwrap();
    log.erase(&key).await.unwrap();
    let done = append(&*log, batch(&key, vec![named("1", "other text"), draft_at("c", 4)])).await.unwrap();
    assert_eq!((done.inserted, done.duplicates, done.head), (2, 0, Seq(2)));
    assert_eq!(texts(&log.read(&key, Seq(1), 9).await.unwrap()), ["other text", "c"]);
    assert_eq!(page_of(&log, &key).await, Some(2));
}

pub async fn an_erasure_is_remembered_until_its_views_are_gone(log: Log) {
    let tenant = tenant();
    let (a, b) = (key(&tenant, "a"), key(&tenant, "b"));
    post(&*log, &a, vec![draft("x")]).await;
    post(&*log, &b, vec![draft("x")]).await;
    assert!(!remembered(&log, &a).await);
    log.erase(&a).await.unwrap();
    assert!(remembered(&log, &a).await && !remembered(&log, &b).await);
    log.erased(&a).await.unwrap();
    assert!(!remembered(&log, &a).await);
    log.erased(&a).await.unwrap();
    post(&*log, &a, vec![draft("y")]).await;
    log.erase(&a).await.unwrap();
    assert!(remembered(&log, &a).await);
}

pub async fn a_long_conversation_is_erased_beside_others(log: Log) {
    let tenant = tenant();
    let (novel, short) = (key(&tenant, "long"), key(&tenant, "short"));
    for _ in 0..6 {
        append(&*log, batch(&novel, vec![draft("x"); 500])).await.unwrap();
    }
    post(&*log, &short, vec![draft("stays")]).await;
    assert!(log.erase(&novel).await.unwrap());
    assert_eq!(log.head(&novel).await.unwrap(), None);
    for n in 1..=20_u64 {
        let done = append(&*log, batch(&novel, vec![draft("new")])).await.unwrap();
        assert_eq!(done.head, Seq(n));
    }
    assert_eq!(log.read(&novel, Seq(1), 9999).await.unwrap().len(), 20);
    assert_eq!(texts(&log.read(&short, Seq(1), 9).await.unwrap()), ["stays"]);
}

pub async fn arrivals_after_an_erasure_are_not_missed(log: Log) {
    let tenant = tenant();
    let (a, b) = (key(&tenant, "a"), key(&tenant, "b"));
    append(&*log, batch(&a, vec![draft("x"); 10])).await.unwrap();
    let mut mark = ArrivalMark::default();
    loop {
        let arrivals = log.arrivals(&mark, 1000).await.unwrap();
        if arrivals.mark == mark {
            break;
        }
        mark = arrivals.mark;
    }
    log.erase(&a).await.unwrap();
    append(&*log, batch(&b, vec![draft("y"); 3])).await.unwrap();
    let arrivals = log.arrivals(&mark, 1000).await.unwrap();
    let reached: Vec<_> = arrivals.reached.iter().filter(|r| r.key.tenant == tenant).collect();
    assert_eq!(reached.len(), 1);
    assert_eq!((&reached[0].key, reached[0].seq), (&b, Seq(3)));
}

pub async fn a_replay_after_an_erasure_stores_nothing(log: Log) {
    let key = fresh();
    let idempotency = Some(Idempotency { key: "k".into(), body: Digest::of(b"body") });
    let request = || Append { idempotency: idempotency.clone(), ..batch(&key, vec![draft("x")]) };
    append(&*log, request()).await.unwrap();
    log.erase(&key).await.unwrap();
    let again = append(&*log, request()).await.unwrap();
    assert_eq!((again.inserted, again.replayed, again.conversation), (1, true, key.conversation.clone()));
    assert_eq!(log.head(&key).await.unwrap(), None);
}
