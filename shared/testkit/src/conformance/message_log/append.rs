//! Batches, conditions and heads.

use std::sync::Arc;
use std::task::Poll;

use shared::domain::{EndReason, Metadata, Seq, Timestamp};
use shared::ports::{AppendError, Condition, Draft, Head, MessageLog};

use crate::conformance::build::{
    append, at, batch, batch_at, draft, draft_at, end, fresh, key, named, post, seqs, tenant, texts, user,
};

/// The backend under test.
type Log = Arc<dyn MessageLog>;

pub async fn seqs_are_dense_and_what_was_acknowledged_is_read(log: Log) {
    let key = fresh();
    for round in 0..5_u64 {
        let done = append(&*log, batch(&key, vec![draft("a"), draft("b"), draft("c")])).await.unwrap();
        assert_eq!((done.head, done.inserted, done.duplicates), (Seq(3 * round + 3), 3, 0));
        assert_eq!((done.conversation, done.replayed), (key.conversation.clone(), false));
        let records = log.read(&key, Seq(1), 100).await.unwrap();
        assert_eq!(seqs(&records), (1..=3 * round + 3).collect::<Vec<_>>());
    }
}

pub async fn a_refused_batch_leaves_the_others_of_the_call_alone(log: Log) {
    let (tenant, other) = (tenant(), fresh());
    let (a, b) = (key(&tenant, "a"), key(&tenant, "b"));
    post(&*log, &a, vec![named("m", "first")]).await;
    let outcomes = log
        .append(vec![
            batch(&b, vec![draft("x")]),
            batch(&a, vec![draft("not this"), named("m", "second")]),
            end(&other, Condition::Open),
            batch(&a, vec![draft("y")]),
        ])
        .await;
    assert_eq!(outcomes.len(), 4);
    assert_eq!(outcomes[0].as_ref().unwrap().head, Seq(1));
    assert!(matches!(outcomes[1], Err(AppendError::MessageIdTaken { index: 1 })), "{:?}", outcomes[1]);
    assert!(matches!(outcomes[2], Err(AppendError::NotFound)), "{:?}", outcomes[2]);
    assert_eq!(outcomes[3].as_ref().unwrap().head, Seq(2));
    assert_eq!(texts(&log.read(&a, Seq(1), 9).await.unwrap()), ["first", "y"]);
    assert_eq!(texts(&log.read(&b, Seq(1), 9).await.unwrap()), ["x"]);
    assert_eq!(log.head(&other).await.unwrap(), None);
}

pub async fn several_batches_of_one_conversation_follow_each_other(log: Log) {
    let key = fresh();
    let batches = (0..10).map(|n| batch(&key, vec![draft(&format!("{n}a")), draft(&format!("{n}b"))])).collect();
    let heads: Vec<_> = log.append(batches).await.into_iter().map(|done| done.unwrap().head.0).collect();
    assert_eq!(heads, (1..=10).map(|n| 2 * n).collect::<Vec<_>>());
    let records = log.read(&key, Seq(1), 100).await.unwrap();
    let expected: Vec<_> = (0..10).flat_map(|n| [format!("{n}a"), format!("{n}b")]).collect();
    assert_eq!(texts(&records), expected);
}

/// As many calls as the log lets be under way at once, each first polled after the one before it.
pub async fn calls_under_way_keep_their_order(log: Log) {
    let key = fresh();
    let at_once = log.calls_at_once().min(100);
    assert!(at_once >= 1);
    let call = |n: usize| log.append(vec![batch(&key, vec![draft(&n.to_string())])]);
    let mut calls: Vec<_> = (0..at_once).map(call).collect();
    let mut heads = Vec::new();
    for (n, call) in calls.iter_mut().enumerate() {
        // One that was polled to its end must not be polled again.
        if let Poll::Ready(done) = futures_util::poll!(call) {
            heads.push((n, done));
        }
    }
    for (n, call) in calls.into_iter().enumerate() {
        if heads.iter().all(|(early, _)| *early != n) {
            heads.push((n, call.await));
        }
    }
    for (n, mut done) in heads {
        assert_eq!(done.remove(0).unwrap().head, Seq(n as u64 + 1));
    }
    let expected: Vec<_> = (0..at_once).map(|n| n.to_string()).collect();
    assert_eq!(texts(&log.read(&key, Seq(1), 1000).await.unwrap()), expected);
}

pub async fn an_open_condition_ends_a_conversation_once(log: Log) {
    let key = fresh();
    assert!(matches!(append(&*log, end(&key, Condition::Open)).await, Err(AppendError::NotFound)));
    post(&*log, &key, vec![draft("a")]).await;
    let first = append(&*log, end(&key, Condition::Open)).await.unwrap();
    assert_eq!((first.inserted, first.head), (1, Seq(2)));
    let again = append(&*log, end(&key, Condition::Open)).await.unwrap();
    assert_eq!((again.inserted, again.head), (0, Seq(2)));
    post(&*log, &key, vec![draft("b")]).await;
    assert_eq!(log.head(&key).await.unwrap().unwrap().ended, None, "a later message opens it again");
    assert_eq!(append(&*log, end(&key, Condition::Open)).await.unwrap().head, Seq(4));
}

pub async fn a_head_condition_holds_only_while_nothing_was_appended(log: Log) {
    let key = fresh();
    post(&*log, &key, vec![draft("a")]).await;
    for wrong in [0, 2, 9] {
        let outcome = append(&*log, end(&key, Condition::HeadIs(Seq(wrong)))).await;
        assert!(matches!(outcome, Err(AppendError::HeadMoved)), "{outcome:?}");
    }
    assert_eq!(append(&*log, end(&key, Condition::HeadIs(Seq(1)))).await.unwrap().head, Seq(2));
    assert!(matches!(append(&*log, end(&key, Condition::HeadIs(Seq(1)))).await, Err(AppendError::HeadMoved)));
}

pub async fn a_head_tells_messages_and_end(log: Log) {
    let key = fresh();
    append(&*log, batch_at(&key, 500, vec![draft("a"), draft("b")])).await.unwrap();
    let open = Head { seq: Seq(2), last_message: Seq(2), messages: 2, received_at: at(500), ended: None };
    assert_eq!(log.head(&key).await.unwrap(), Some(open));
    append(&*log, end(&key, Condition::Always)).await.unwrap();
    append(&*log, end(&key, Condition::Always)).await.unwrap();
    let ended = Head { seq: Seq(4), received_at: at(1000), ended: Some(EndReason::Requested), ..open };
    assert_eq!(log.head(&key).await.unwrap(), Some(ended));
    append(&*log, batch_at(&key, 2000, vec![draft_at("late", 3)])).await.unwrap();
    let again = Head { seq: Seq(5), last_message: Seq(5), messages: 3, received_at: at(2000), ended: None };
    assert_eq!(log.head(&key).await.unwrap(), Some(again));
}

pub async fn every_text_comes_back_as_it_was(log: Log) {
    let key = key(&tenant(), "a/b?c=d#%00 🦀\u{202e}'\"\\");
    let drafts = vec![
        Draft {
            user: user("Zoë 🦀 '; DROP TABLE records; --"),
            metadata: Some(Metadata::parse(r#"{"a":[1,2.50,{"b":"\u0000é"}],"a ":null}"#).unwrap()),
            timestamp: Some(Timestamp::MIN),
            salt: [255; 16],
            ..named("m/1 🦀", "\0\u{7f}\u{feff} first\r\n\u{10ffff}")
        },
        Draft { timestamp: Some(Timestamp::MAX), ..draft(&"x".repeat(32 * 1024)) },
        Draft { metadata: Some(Metadata::parse("{}").unwrap()), salt: [0; 16], ..draft_at("é", -1) },
    ];
    append(&*log, batch(&key, drafts.clone())).await.unwrap();
    let records = log.read(&key, Seq(1), 9).await.unwrap();
    assert_eq!(records.len(), drafts.len());
    for (record, draft) in records.iter().zip(drafts) {
        let posted = record.posted().unwrap();
        assert_eq!(record.received_at, at(1000));
        assert_eq!((&posted.user, &posted.message_id), (&draft.user, &draft.message_id));
        assert_eq!((&posted.content, &posted.metadata), (&draft.content, &draft.metadata));
        assert_eq!((Some(posted.timestamp), posted.salt), (draft.timestamp, draft.salt));
    }
}

pub async fn tenants_do_not_meet(log: Log) {
    let (mine, theirs) = (fresh(), fresh());
    assert_eq!(mine.conversation, theirs.conversation);
    post(&*log, &mine, vec![named("m", "mine")]).await;
    assert_eq!(log.head(&theirs).await.unwrap(), None);
    post(&*log, &theirs, vec![named("m", "theirs")]).await;
    assert_eq!(texts(&log.read(&mine, Seq(1), 9).await.unwrap()), ["mine"]);
    assert!(log.erase(&theirs).await.unwrap());
    assert_eq!(texts(&log.read(&mine, Seq(1), 9).await.unwrap()), ["mine"]);
}

pub async fn a_batch_without_entries_makes_no_conversation(log: Log) {
    let key = fresh();
    let done = append(&*log, batch(&key, vec![])).await.unwrap();
    assert_eq!((done.inserted, done.head), (0, Seq(0)));
    assert_eq!(log.head(&key).await.unwrap(), None);
}
