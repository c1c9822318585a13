//! The same message, the same request, again.

use std::sync::Arc;

use shared::domain::{Digest, Metadata, Seq};
use shared::ports::{Append, AppendError, Appended, Draft, Idempotency, MessageLog};

use crate::conformance::build::{append, at, batch, draft, draft_at, fresh, key, named, post, tenant, texts, user};

/// The backend under test.
type Log = Arc<dyn MessageLog>;

fn keyed(batch: Append, key: &str, body: &str) -> Append {
    let idempotency = Idempotency { key: key.into(), body: Digest::of(body.as_bytes()) };
    Append { idempotency: Some(idempotency), ..batch }
}

pub async fn a_message_id_stands_once(log: Log) {
    let key = fresh();
    append(&*log, batch(&key, vec![named("1", "a"), named("2", "b")])).await.unwrap();
    let again = append(&*log, batch(&key, vec![named("2", "b"), named("3", "c"), draft("d"), named("1", "a")])).await;
    let again = again.unwrap();
    assert_eq!((again.inserted, again.duplicates, again.replayed, again.head), (2, 2, false, Seq(4)));
    let only = append(&*log, batch(&key, vec![named("3", "c")])).await.unwrap();
    assert_eq!((only.inserted, only.duplicates, only.head), (0, 1, Seq(4)));
    assert_eq!(texts(&log.read(&key, Seq(1), 9).await.unwrap()), ["a", "b", "c", "d"]);
}

pub async fn a_repost_is_compared_by_all_that_the_client_gave(log: Log) {
    let key = fresh();
    let metadata = |json| Some(Metadata::parse(json).unwrap());
    let timed = Draft { timestamp: Some(at(5)), metadata: metadata(r#"{"a":1}"#), ..named("1", "a") };
    append(&*log, batch(&key, vec![timed.clone(), named("2", "b")])).await.unwrap();
    let same = [
        timed.clone(),
        Draft { timestamp: None, ..timed.clone() },
        Draft { salt: [9; 16], ..timed.clone() },
        Draft { timestamp: Some(at(1000)), ..named("2", "b") },
    ];
    for draft in same {
        let done = append(&*log, batch(&key, vec![draft.clone()])).await.unwrap();
        assert_eq!((done.inserted, done.duplicates), (0, 1), "{draft:?}");
    }
    let other = [
        Draft { user: user("v"), ..timed.clone() },
        Draft { content: "A".into(), ..timed.clone() },
        Draft { metadata: None, ..timed.clone() },
        Draft { metadata: metadata(r#"{"a":2}"#), ..timed.clone() },
        Draft { timestamp: Some(at(6)), ..timed.clone() },
        Draft { timestamp: Some(at(999)), ..named("2", "b") },
    ];
    for draft in other {
        let refused = append(&*log, batch(&key, vec![draft.clone()])).await;
        assert!(matches!(refused, Err(AppendError::MessageIdTaken { index: 0 })), "{draft:?} {refused:?}");
    }
    assert_eq!(log.head(&key).await.unwrap().unwrap().seq, Seq(2));
}

pub async fn a_taken_message_id_refuses_the_whole_batch(log: Log) {
    let key = fresh();
    post(&*log, &key, vec![named("1", "a")]).await;
    let refused = append(&*log, batch(&key, vec![draft("x"), named("2", "y"), named("1", "other"), draft("z")])).await;
    assert!(matches!(refused, Err(AppendError::MessageIdTaken { index: 2 })), "{refused:?}");
    assert_eq!(texts(&log.read(&key, Seq(1), 9).await.unwrap()), ["a"]);
    post(&*log, &key, vec![named("2", "free")]).await;
    assert_eq!(texts(&log.read(&key, Seq(1), 9).await.unwrap()), ["a", "free"]);
}

pub async fn a_message_id_may_stand_twice_in_one_batch(log: Log) {
    let key = fresh();
    let same = append(&*log, batch(&key, vec![named("1", "a"), draft("b"), named("1", "a")])).await.unwrap();
    assert_eq!((same.inserted, same.duplicates, same.head), (2, 1, Seq(2)));
    let other = append(&*log, batch(&key, vec![named("2", "a"), named("2", "b")])).await;
    assert!(matches!(other, Err(AppendError::MessageIdTaken { index: 1 })), "{other:?}");
    assert_eq!(texts(&log.read(&key, Seq(1), 9).await.unwrap()), ["a", "b"]);
}

pub async fn message_ids_of_other_conversations_do_not_matter(log: Log) {
    let tenant = tenant();
    for name in ["a", "b", "c"] {
        let done = append(&*log, batch(&key(&tenant, name), vec![named("1", name)])).await.unwrap();
        assert_eq!((done.inserted, done.duplicates), (1, 0));
    }
}

pub async fn an_idempotency_key_replays_its_outcome(log: Log) {
    let key = fresh();
    post(&*log, &key, vec![named("1", "a")]).await;
    let request = || keyed(batch(&key, vec![named("1", "a"), draft("b"), draft("c")]), "k", "body");
    let first = append(&*log, request()).await.unwrap();
    let conversation = key.conversation.clone();
    assert_eq!(first, Appended { conversation, inserted: 2, duplicates: 1, replayed: false, head: Seq(3) });
    for _ in 0..3 {
        let again = append(&*log, request()).await.unwrap();
        assert_eq!(again, Appended { replayed: true, ..first.clone() });
    }
    let both = log.append(vec![request(), batch(&key, vec![draft("d")]), request()]).await;
    assert!(both[0].as_ref().unwrap().replayed && both[2].as_ref().unwrap().replayed);
    assert_eq!(texts(&log.read(&key, Seq(1), 9).await.unwrap()), ["a", "b", "c", "d"]);
}

pub async fn an_idempotency_key_stands_for_one_body_in_its_tenant(log: Log) {
    let tenant = tenant();
    let (a, b) = (key(&tenant, "a"), key(&tenant, "b"));
    append(&*log, keyed(batch(&a, vec![draft("x")]), "k", "one")).await.unwrap();
    let other = append(&*log, keyed(batch(&a, vec![draft("x")]), "k", "two")).await;
    assert!(matches!(other, Err(AppendError::IdempotencyMismatch)), "{other:?}");
    let elsewhere = append(&*log, keyed(batch(&b, vec![draft("x")]), "k", "two")).await;
    assert!(matches!(elsewhere, Err(AppendError::IdempotencyMismatch)), "{elsewhere:?}");
    let theirs = append(&*log, keyed(batch(&fresh(), vec![draft("x")]), "k", "two")).await.unwrap();
    assert_eq!((theirs.inserted, theirs.replayed), (1, false));
    let one_call = log
        .append(vec![
            keyed(batch(&b, vec![draft("y")]), "l", "one"),
            keyed(batch(&b, vec![draft("y")]), "l", "one"),
            keyed(batch(&b, vec![draft("z")]), "l", "two"),
        ])
        .await;
    assert!(!one_call[0].as_ref().unwrap().replayed && one_call[1].as_ref().unwrap().replayed);
    assert!(matches!(one_call[2], Err(AppendError::IdempotencyMismatch)), "{:?}", one_call[2]);
    assert_eq!(texts(&log.read(&b, Seq(1), 9).await.unwrap()), ["y"]);
}

pub async fn a_replay_names_the_first_conversation(log: Log) {
    let tenant = tenant();
    let (first, second) = (key(&tenant, "made-first"), key(&tenant, "made-second"));
    append(&*log, keyed(batch(&first, vec![draft("x")]), "k", "body")).await.unwrap();
    let again = append(&*log, keyed(batch(&second, vec![draft("x")]), "k", "body")).await.unwrap();
    assert_eq!((again.conversation, again.inserted, again.replayed), (first.conversation.clone(), 1, true));
    assert_eq!(log.head(&second).await.unwrap(), None);
    assert_eq!(log.head(&first).await.unwrap().unwrap().seq, Seq(1));
}

pub async fn a_refused_batch_does_not_use_up_its_idempotency_key(log: Log) {
    let key = fresh();
    post(&*log, &key, vec![named("1", "a"), draft_at("b", 3)]).await;
    let refused = append(&*log, keyed(batch(&key, vec![named("1", "other")]), "k", "wrong")).await;
    assert!(matches!(refused, Err(AppendError::MessageIdTaken { .. })), "{refused:?}");
    let done = append(&*log, keyed(batch(&key, vec![draft("c")]), "k", "right")).await.unwrap();
    assert_eq!((done.inserted, done.replayed, done.head), (1, false, Seq(3)));
}
