//! Replies that are lost, late, doubled or bad: each outcome is told as it is.

use std::time::Duration;

use bson::doc;
use shared::domain::{ConversationKey, EndReason, Seq};
use shared::ports::{Append, AppendError, ArrivalMark, Condition, Entry, MessageLog as _, ViewStore as _};
use shared_testkit::conformance::build::{append, batch, draft, fresh, named, post};
use shared_testkit::mongo_proxy::{Fault, MongoProxy};
use shared_testkit::process::MongoServer;
use shared_testkit::wait;

use crate::stage::{Stage, all, impatient, keyed, proxied};

fn request(key: &ConversationKey) -> Append {
    keyed(batch(key, vec![draft("p"), draft("q")]))
}

/// What the first try and a repeat with the same key come to, and that it all stands once.
async fn tried(stage: &Stage, fault: Fault) -> (Result<bool, AppendError>, bool) {
    let (proxy, store) = proxied(stage).await;
    let key = fresh();
    post(&*store.log, &key, vec![draft("before")]).await;
    proxy.tell("insert", "messages", fault);
    let first = append(&*store.log, request(&key)).await.map(|done| done.replayed);
    assert!(proxy.is_done());
    let again = append(&*store.log, request(&key)).await.unwrap().replayed;
    let texts: Vec<_> = all(&*store.log, &key).await.into_iter().filter(|text| text != "-").collect();
    assert_eq!(texts, ["before", "p", "q"]);
    (first, again)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_cut_before_the_write_is_unknown() {
    let Some(stage) = Stage::new().await else { return };
    let (first, again) = tried(&stage, Fault::CutBefore).await;
    assert!(matches!(first, Err(AppendError::Unknown(_))), "{first:?}");
    assert!(!again, "the repeat stores it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_cut_after_the_write_is_found_out() {
    let Some(stage) = Stage::new().await else { return };
    let (first, again) = tried(&stage, Fault::CutAfter).await;
    assert!(matches!(first, Ok(false)), "the majority has it: {first:?}");
    assert!(again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_that_arrives_twice_is_one() {
    let Some(stage) = Stage::new().await else { return };
    let (first, again) = tried(&stage, Fault::Twice).await;
    assert!(matches!(first, Ok(false)), "{first:?}");
    assert!(again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_concern_error_is_unknown() {
    let Some(stage) = Stage::new().await else { return };
    let concern = doc! { "code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting for replication timed out" };
    let (first, again) = tried(&stage, Fault::Reply(doc! { "writeConcernError": concern })).await;
    assert!(matches!(first, Err(AppendError::Unknown(_))), "{first:?}");
    assert!(again, "it was there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_concern_error_behind_duplicate_keys_is_seen() {
    let Some(stage) = Stage::new().await else { return };
    let taken = doc! { "index": 1, "code": 11000, "errmsg": "E11000 duplicate key error" };
    let concern = doc! { "code": 64, "codeName": "WriteConcernFailed", "errmsg": "waiting for replication timed out" };
    let reply = doc! { "n": 1, "ok": 1.0, "writeErrors": [taken], "writeConcernError": concern };
    let (first, _) = tried(&stage, Fault::Instead(reply)).await;
    assert!(matches!(first, Err(AppendError::Unavailable(_))), "{first:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_not_the_primary_has_stored_nothing() {
    let Some(stage) = Stage::new().await else { return };
    let reply = doc! { "ok": 0.0, "code": 10107, "codeName": "NotWritablePrimary", "errmsg": "not primary" };
    let (first, again) = tried(&stage, Fault::Instead(reply)).await;
    assert!(matches!(first, Err(AppendError::Unavailable(_))), "{first:?}");
    assert!(!again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_duplicate_key_that_names_no_index_is_looked_into() {
    let Some(stage) = Stage::new().await else { return };
    let taken = |index: i32| doc! { "index": index, "code": 11000, "errmsg": "E11000 duplicate key error" };
    let reply = doc! { "n": 0, "ok": 1.0, "writeErrors": [taken(0), taken(1)] };
    let (first, again) = tried(&stage, Fault::Instead(reply)).await;
    assert!(matches!(first, Ok(false)), "nobody was there after all: {first:?}");
    assert!(again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lost_outbox_document_is_written_again() {
    let Some(stage) = Stage::new().await else { return };
    let (proxy, store) = proxied(&stage).await;
    let key = fresh();
    proxy.tell("insert", "commits", Fault::CutBefore);
    post(&*store.log, &key, vec![draft("x")]).await;
    let arrivals = store.log.arrivals(&ArrivalMark::default(), 10).await.unwrap();
    assert_eq!(arrivals.reached.iter().map(|reach| &reach.key).collect::<Vec<_>>(), [&key]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_repeats_what_the_outbox_has_not_is_told_yes_no_sooner_than_it_has() {
    let Some(stage) = Stage::new().await else { return };
    let start = ArrivalMark::default();
    let requests: [fn(&ConversationKey) -> Append; 3] = [
        request,
        |key| batch(key, vec![named("id", "p")]),
        |key| Append {
            entries: vec![Entry::Ended(EndReason::Requested)],
            ..Append { condition: Condition::Open, ..batch(key, Vec::new()) }
        },
    ];
    for request in requests {
        let (proxy, store) = proxied(&stage).await;
        let key = fresh();
        post(&*store.log, &key, vec![draft("before")]).await;
        let mark = store.log.arrivals(&start, 1_000).await.unwrap().mark;
        let head = store.log.head(&key).await.unwrap().unwrap().seq;
        // First the insert's own document and its second try, then a repeat's.
        let refused = doc! { "ok": 0.0, "code": 8, "codeName": "UnknownError", "errmsg": "no" };
        proxy.tell_all(4, "insert", "commits", &Fault::Instead(refused));
        for _ in 0..2 {
            let unknown = append(&*store.log, request(&key)).await;
            assert!(matches!(unknown, Err(AppendError::Unknown(_))), "{unknown:?}");
        }
        assert!(proxy.is_done());
        let stored = store.log.head(&key).await.unwrap().unwrap().seq;
        assert!(stored > head, "the messages are there");
        let repeated = append(&*store.log, request(&key)).await.unwrap();
        assert_eq!(repeated.head, stored, "stored once");
        let told = store.log.arrivals(&mark, 1_000).await.unwrap().reached;
        assert_eq!(told.iter().map(|reach| (&reach.key, reach.seq)).collect::<Vec<_>>(), [(&key, stored)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_waits_longer_than_the_limit_and_a_late_write_stands_once() {
    let Some(stage) = Stage::new().await else { return };
    let proxy = MongoProxy::start(stage.shared.server.as_ref().unwrap().port()).await.unwrap();
    let url = MongoServer::url_at(proxy.port(), &stage.name);
    let store = impatient(&url, Duration::from_secs(4)).await;
    let key = fresh();
    post(&*store.log, &key, vec![draft("before")]).await;
    proxy.tell("insert", "messages", Fault::Hold);
    let late = append(&*store.log, request(&key)).await;
    assert!(matches!(late, Err(AppendError::Unknown(_))), "{late:?}");
    // The held write goes on, although nobody waits for it any more.
    proxy.release();
    let log = stage.store().await.log;
    wait::until("the late write", async || {
        let head = log.head(&key).await?;
        Ok(head.filter(|head| head.seq == Seq(3)))
    })
    .await
    .unwrap();
    assert!(append(&*store.log, request(&key)).await.unwrap().replayed);
    assert_eq!(all(&*log, &key).await, ["before", "p", "q"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_late_write_cannot_fill_a_seq_that_was_sealed() {
    let Some(stage) = Stage::new().await else { return };
    let (proxy, store) = proxied(&stage).await;
    let log = stage.store().await.log;
    let key = fresh();
    post(&*store.log, &key, vec![draft("before")]).await;
    proxy.tell("insert", "messages", Fault::Hold);
    let slow = tokio::spawn({
        let (log, key) = (store.log.clone(), key.clone());
        async move { append(&*log, batch(&key, vec![draft("slow"), named("m", "slow too")])).await }
    });
    wait::until("the held write", async || Ok(proxy.is_done().then_some(()))).await.unwrap();
    assert_eq!(append(&*log, batch(&key, vec![draft("fast")])).await.unwrap().head, Seq(2));
    proxy.release();
    let done = slow.await.unwrap().unwrap();
    assert_eq!(done.inserted, 2);
    let texts: Vec<_> = all(&*log, &key).await.into_iter().filter(|text| text != "-").collect();
    assert_eq!(texts, ["before", "fast", "slow", "slow too"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_is_away_stores_nothing_and_is_found_again() {
    let Some(mut server) = MongoServer::start().await.unwrap() else { return };
    let store = crate::stage::store_at(&server.url("recap")).await;
    store.migrate().await.unwrap();
    let key = fresh();
    post(&*store.log, &key, vec![draft("before")]).await;
    server.kill().await.unwrap();
    wait::until("the driver to see that it is away", async || match append(&*store.log, request(&key)).await {
        Err(AppendError::Unavailable(_)) => Ok(Some(())),
        Err(AppendError::Unknown(_)) => Ok(None),
        other => anyhow::bail!("{other:?}"),
    })
    .await
    .unwrap();
    assert!(store.log.ping().await.is_err() && store.views.conversations(std::slice::from_ref(&key)).await.is_err());
    server.restart().await.unwrap();
    let done = wait::until("the database", async || Ok(append(&*store.log, request(&key)).await.ok())).await.unwrap();
    assert_eq!(done.inserted, 2);
    assert!(append(&*store.log, request(&key)).await.unwrap().replayed);
    let texts: Vec<_> = all(&*store.log, &key).await.into_iter().filter(|text| text != "-").collect();
    assert_eq!(texts, ["before", "p", "q"]);
}
