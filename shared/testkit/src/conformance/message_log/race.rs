//! Many callers at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use shared::domain::{Digest, EndReason, RecordBody, Seq};
use shared::ports::{Append, AppendError, Appended, Condition, Idempotency, MessageLog};
use tokio::task::JoinSet;

use crate::conformance::build::{append, batch, draft, end, fresh, key, named, post, seqs, tenant, texts};

/// The backend under test.
type Log = Arc<dyn MessageLog>;

const CALLERS: usize = 32;

async fn at_once(log: &Log, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
    let mut tasks = JoinSet::new();
    for batch in batches {
        let log = Arc::clone(log);
        tasks.spawn(async move { append(&*log, batch).await });
    }
    tasks.join_all().await
}

pub async fn many_callers_append_to_one_conversation(log: Log) {
    let key = fresh();
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let (log, key) = (Arc::clone(&log), key.clone());
        tasks.spawn(async move {
            let mut stored = Vec::new();
            for round in 0..10 {
                let texts = [0, 1, 2].map(|n| format!("{caller}/{round}/{n}"));
                let done = append(&*log, batch(&key, texts.iter().map(|text| draft(text)).collect())).await.unwrap();
                stored.push((done.head.0, texts));
            }
            stored
        });
    }
    let mut by_seq = BTreeMap::new();
    for (head, texts) in tasks.join_all().await.into_iter().flatten() {
        for (back, text) in texts.into_iter().rev().enumerate() {
            assert_eq!(by_seq.insert(head - back as u64, text), None, "a batch lies together");
        }
    }
    let records = log.read(&key, Seq(1), 10_000).await.unwrap();
    assert_eq!(seqs(&records), (1..=(CALLERS * 30) as u64).collect::<Vec<_>>());
    assert_eq!(texts(&records), by_seq.values().collect::<Vec<_>>());
}

pub async fn one_message_id_posted_by_many_stands_once(log: Log) {
    let key = fresh();
    let batches = (0..CALLERS).map(|n| batch(&key, vec![named("m", &format!("text {}", n % 2))])).collect();
    let outcomes = at_once(&log, batches).await;
    let records = log.read(&key, Seq(1), 100).await.unwrap();
    assert_eq!(records.len(), 1);
    let stored = outcomes.iter().flatten().filter(|done| done.inserted == 1).count();
    let duplicates = outcomes.iter().flatten().filter(|done| done.duplicates == 1).count();
    let refused = outcomes.iter().filter(|o| matches!(o, Err(AppendError::MessageIdTaken { index: 0 }))).count();
    assert_eq!((stored, duplicates, refused), (1, CALLERS / 2 - 1, CALLERS / 2));
}

pub async fn one_idempotency_key_used_by_many_stores_once(log: Log) {
    let tenant = tenant();
    let request = |n: usize| Append {
        idempotency: Some(Idempotency { key: "k".into(), body: Digest::of(b"body") }),
        ..batch(&key(&tenant, &format!("made-{n}")), vec![draft("x"), draft("y")])
    };
    let outcomes = at_once(&log, (0..CALLERS).map(request).collect()).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|done| !done.replayed).count(), 1);
    assert!(outcomes.iter().all(|done| done.inserted == 2));
    let conversations: BTreeSet<_> = outcomes.iter().map(|done| done.conversation.clone()).collect();
    assert_eq!(conversations.len(), 1, "all were told the same conversation");
    let mut found = 0;
    for n in 0..CALLERS {
        found += log.read(&key(&tenant, &format!("made-{n}")), Seq(1), 9).await.unwrap().len();
    }
    assert_eq!(found, 2);
}

pub async fn one_of_many_ends_a_conversation(log: Log) {
    let key = fresh();
    post(&*log, &key, vec![draft("a")]).await;
    let outcomes = at_once(&log, (0..CALLERS).map(|_| end(&key, Condition::HeadIs(Seq(1)))).collect()).await;
    assert_eq!(outcomes.iter().flatten().count(), 1);
    assert_eq!(outcomes.iter().filter(|o| matches!(o, Err(AppendError::HeadMoved))).count(), CALLERS - 1);
    post(&*log, &key, vec![draft("b")]).await;
    let outcomes = at_once(&log, (0..CALLERS).map(|_| end(&key, Condition::Open)).collect()).await;
    assert_eq!(outcomes.iter().flatten().map(|done| done.inserted).sum::<u32>(), 1);
    let bodies: Vec<_> = log.read(&key, Seq(1), 99).await.unwrap().into_iter().map(|r| r.body).collect();
    let ended = RecordBody::Ended(EndReason::Requested);
    assert_eq!(bodies.len(), 4);
    assert_eq!((&bodies[1], &bodies[3]), (&ended, &ended));
}
