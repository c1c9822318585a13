//! Two processes on one database.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::domain::{RecordBody, Seq};
use shared::ports::{AppendError, Appended, Condition, MessageLog};
use shared_testkit::conformance::build::{append, batch, draft, draft_at, end, fresh, named, post};

use crate::stage::{Stage, all};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_replicas_append_to_one_conversation() {
    let Some(stage) = Stage::new().await else { return };
    let key = fresh();
    let mut replicas = tokio::task::JoinSet::new();
    for replica in 0..2 {
        let (log, key) = (stage.store().await.log, key.clone());
        replicas.spawn(async move {
            let mut stored: Vec<(u64, Vec<String>)> = Vec::new();
            for round in 0..8 {
                let texts: Vec<_> = (0..3).map(|n| format!("{replica}/{round}/{n}")).collect();
                let request = || batch(&key, texts.iter().map(|text| draft(text)).collect());
                let done = loop {
                    match append(&*log, request()).await {
                        Ok(done) => break done,
                        // The other one was faster each time; nothing was stored.
                        Err(AppendError::Unavailable(_)) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                };
                stored.push((done.head.0, texts));
            }
            stored
        });
    }
    let mut by_seq = BTreeMap::new();
    for (head, texts) in replicas.join_all().await.into_iter().flatten() {
        for (back, text) in texts.into_iter().rev().enumerate() {
            assert_eq!(by_seq.insert(head - back as u64, text), None, "a batch lies together");
        }
    }
    let log = stage.store().await.log;
    let records = log.read(&key, Seq(1), 10_000).await.unwrap();
    for (place, record) in records.iter().enumerate() {
        assert_eq!(record.seq.0, place as u64 + 1);
        match (&record.body, by_seq.get(&record.seq.0)) {
            (RecordBody::Posted(posted), Some(text)) => assert_eq!(&*posted.content, text),
            (RecordBody::Tombstone, None) => {}
            other => panic!("{other:?} at {}", record.seq),
        }
    }
    assert_eq!(records.iter().filter(|record| record.posted().is_some()).count(), 48);
    assert_eq!(log.head(&key).await.unwrap().unwrap().messages, 48);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_place_that_is_no_longer_true_is_found_out() {
    let Some(stage) = Stage::new().await else { return };
    let (one, two) = (stage.store().await.log, stage.store().await.log);
    let key = fresh();
    post(&*one, &key, vec![draft_at("a", 10)]).await;
    assert_eq!(append(&*two, batch(&key, vec![draft_at("b", 20), draft_at("c", 30)])).await.unwrap().head, Seq(3));
    // This one still believes in seq 1; what it adds is older than what it does not know of.
    assert_eq!(append(&*one, batch(&key, vec![draft_at("d", 25), draft_at("e", 40)])).await.unwrap().head.0, 5);
    assert_eq!(all(&*two, &key).await, ["a", "b", "c", "d", "e"]);
    let late: Vec<_> = two.read(&key, Seq(1), 9).await.unwrap().iter().map(|r| r.posted().unwrap().late).collect();
    assert_eq!(late, [false, false, false, true, false]);
    assert!(matches!(append(&*two, end(&key, Condition::HeadIs(Seq(3)))).await, Err(AppendError::HeadMoved)));
    assert_eq!(append(&*two, end(&key, Condition::HeadIs(Seq(5)))).await.unwrap().head, Seq(6));
    assert_eq!(append(&*one, end(&key, Condition::Open)).await.unwrap().inserted, 0, "it has ended elsewhere");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_message_id_at_two_replicas_stands_once() {
    let Some(stage) = Stage::new().await else { return };
    let logs = [stage.store().await.log, stage.store().await.log];
    for round in 0..6 {
        let key = fresh();
        post(&*logs[0], &key, vec![draft("first")]).await;
        let mut posts = tokio::task::JoinSet::new();
        for (place, log) in logs.iter().enumerate() {
            let (log, key) = (Arc::clone(log), key.clone());
            let content = if round % 2 == 0 { "same".to_owned() } else { format!("of {place}") };
            posts.spawn(async move { append(&*log, batch(&key, vec![draft("x"), named("m", &content)])).await });
        }
        let outcomes = posts.join_all().await;
        let inserted = |done: &Appended| done.inserted;
        let mut sums: Vec<_> = outcomes.iter().map(|done| done.as_ref().map(inserted).ok()).collect();
        sums.sort_unstable();
        if round % 2 == 0 {
            assert_eq!(sums, [Some(1), Some(2)], "{outcomes:?}");
        } else {
            assert_eq!(sums, [None, Some(2)], "{outcomes:?}");
            assert!(outcomes.iter().any(|o| matches!(o, Err(AppendError::MessageIdTaken { index: 1 }))));
        }
        let texts = all(&*logs[1], &key).await;
        let named = texts.iter().filter(|text| text.starts_with("same") || text.starts_with("of ")).count();
        assert_eq!(named, 1, "{texts:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_of_an_erased_conversation_comes_back_through_another_replica() {
    let Some(stage) = Stage::new().await else { return };
    let (one, two) = (stage.store().await.log, stage.store().await.log);
    let key = fresh();
    for _ in 0..3 {
        append(&*two, batch(&key, vec![draft("old"), named("m", "old")])).await.unwrap();
    }
    assert!(one.erase(&key).await.unwrap());
    // The other one still believes in seq 4.
    let done = append(&*two, batch(&key, vec![draft("new"), named("m", "new")])).await.unwrap();
    assert_eq!((done.head, done.inserted), (Seq(2), 2));
    for log in [&one, &two, &stage.store().await.log] {
        assert_eq!(all(&**log, &key).await, ["new", "new"]);
        assert_eq!(log.records(&[(key.clone(), Seq(2)), (key.clone(), Seq(3))]).await.unwrap()[1], None);
        assert_eq!(log.head(&key).await.unwrap().unwrap().seq, Seq(2));
    }
    assert_eq!(one.erasures(100).await.unwrap(), std::slice::from_ref(&key));
    assert!(two.erase(&key).await.unwrap());
    assert_eq!(one.head(&key).await.unwrap(), None);
    assert_eq!(append(&*one, batch(&key, vec![draft("newer")])).await.unwrap().head, Seq(1));
    assert_eq!(all(&*two, &key).await, ["newer"]);
}
