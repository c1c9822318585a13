//! What the server's clock brings: a hole is sealed after a minute, and what has served its time goes. A proxy puts the
//! clock forward.

use std::time::Duration;

use bson::{Document, doc};
use shared::domain::Seq;
use shared::ports::{AppendError, ArrivalMark, Arrivals, Clock as _, MessageLog};
use shared_adapters::SystemClock;
use shared_testkit::conformance::build::{append, batch, batch_at, draft, fresh, post};
use shared_testkit::mongo_proxy::{Fault, MongoProxy};
use shared_testkit::process::MongoServer;
use shared_testkit::wait;

use crate::stage::{Stage, all, keyed, proxied, store_at};

/// What another process, with nothing in memory, is told after so long.
async fn after(stage: &Stage, proxy: &MongoProxy, time: Duration, mark: &ArrivalMark) -> Arrivals {
    proxy.put_forward(time);
    let log = store_at(&MongoServer::url_at(proxy.port(), &stage.name)).await.log;
    log.arrivals(mark, 100).await.unwrap()
}

/// How many documents a collection has.
async fn count(stage: &Stage, collection: &str) -> u64 {
    let client = mongodb::Client::with_uri_str(stage.url()).await.unwrap();
    client.database(&stage.name).collection::<Document>(collection).count_documents(doc! {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hole_is_sealed_after_a_minute_and_no_sooner() {
    let Some(stage) = Stage::new().await else { return };
    let (proxy, store) = proxied(&stage).await;
    let (key, start) = (fresh(), ArrivalMark::default());
    post(&*store.log, &key, vec![draft("before")]).await;
    proxy.tell("insert", "messages", Fault::Part(vec![0, 1]));
    let died = append(&*store.log, batch(&key, ["p", "q", "r"].map(draft).to_vec())).await;
    assert!(matches!(died, Err(AppendError::Unknown(_))), "{died:?}");
    let waits = after(&stage, &proxy, Duration::from_secs(20), &start).await;
    assert_eq!((waits.reached.len(), &waits.mark), (0, &start), "its writer may be alive");
    let log = stage.store().await.log;
    assert_eq!(all(&*log, &key).await, ["before"]);
    assert_eq!(log.head(&key).await.unwrap().unwrap().seq, Seq(1), "nobody has touched it");
    let sealed = after(&stage, &proxy, Duration::from_mins(2), &start).await;
    assert_eq!(sealed.reached.iter().map(|reach| (&reach.key, reach.seq)).collect::<Vec<_>>(), [(&key, Seq(4))]);
    assert_ne!(sealed.mark, start);
    assert_eq!(all(&*log, &key).await, ["before", "-", "-", "-"], "sealed, and nobody had to write for that");
    assert_eq!(append(&*log, batch(&key, vec![draft("after")])).await.unwrap().head, Seq(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_that_comes_after_that_is_told_of_again() {
    let Some(stage) = Stage::new().await else { return };
    let (proxy, store) = proxied(&stage).await;
    let key = fresh();
    post(&*store.log, &key, vec![draft("before")]).await;
    proxy.tell("insert", "messages", Fault::Hold);
    let slow = tokio::spawn({
        let (log, key) = (store.log.clone(), key.clone());
        async move { append(&*log, batch(&key, vec![draft("slow")])).await }
    });
    let noted = async || Ok((proxy.is_done() && count(&stage, "commits").await == 2).then_some(()));
    wait::until("the outbox to be written beside it", noted).await.unwrap();
    // Of the held insert nothing is there, so there is nothing to seal but its place.
    let mark = after(&stage, &proxy, Duration::from_mins(2), &ArrivalMark::default()).await.mark;
    assert_ne!(mark, ArrivalMark::default(), "not waited for any longer");
    proxy.release();
    assert_eq!(slow.await.unwrap().unwrap().head, Seq(3), "its place is taken: it goes on behind");
    assert_eq!(all(&*store.log, &key).await, ["before", "-", "slow"]);
    let told = after(&stage, &proxy, Duration::from_mins(2), &mark).await.reached;
    assert!(told.iter().any(|reach| reach.key == key && reach.seq == Seq(3)), "not behind the mark: {told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commits_go_after_a_day_and_idempotency_keys_after_two() {
    let Some(stage) = Stage::new().await else { return };
    let (proxy, store) = proxied(&stage).await;
    let (key, start) = (fresh(), ArrivalMark::default());
    let request = || keyed(batch_at(&key, SystemClock.now().as_millis(), vec![draft("x")]));
    append(&*store.log, request()).await.unwrap();
    post(&*store.log, &key, vec![draft("y")]).await;
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    for (age, reached, commits, keys) in [(23, 1, 2, 1), (25, 0, 0, 1), (47, 0, 0, 1), (49, 0, 0, 0)] {
        let arrivals = after(&stage, &proxy, hours(age), &start).await;
        assert_eq!(arrivals.reached.len(), reached, "after {age} hours");
        assert_eq!(count(&stage, "commits").await, commits, "after {age} hours");
        assert_eq!(count(&stage, "idempotency").await, keys, "after {age} hours");
    }
    assert_eq!(all(&*store.log, &key).await, ["x", "y"], "messages stay");
    assert!(!append(&*store.log, request()).await.unwrap().replayed, "a key that is forgotten is a new one");
}
