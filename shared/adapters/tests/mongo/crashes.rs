//! A writer that dies in the middle of a batch.

use std::sync::Arc;

use shared::domain::{ConversationKey, Seq};
use shared::ports::{AppendError, ArrivalMark, ConversationMark, MessageLog, Order, PageQuery, PageStart};
use shared_testkit::conformance::build::{append, batch, draft, fresh, named, post};
use shared_testkit::mongo_proxy::Fault;

use crate::stage::{Stage, all, keyed, proxied};

async fn total(log: &dyn MessageLog, key: &ConversationKey) -> Option<u64> {
    let query = PageQuery { order: Order::Ascending, start: PageStart::Offset(0), since: None, until: None, limit: 99 };
    log.page(key, &query).await.unwrap().map(|page| page.total)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_batch_is_never_half_visible() {
    let Some(stage) = Stage::new().await else { return };
    // Which of four records get through, and how many seqs are lost with them.
    for (part, lost) in [(vec![0, 1, 3], 4), (vec![0, 1], 3), (vec![1, 2, 3], 4), (vec![3], 4), (vec![], 0)] {
        let (proxy, store) = proxied(&stage).await;
        let other = stage.store().await.log;
        let key = fresh();
        post(&*store.log, &key, vec![draft("before")]).await;
        proxy.tell("insert", "messages", Fault::Part(part.clone()));
        let texts = ["p", "q", "r", "s"].map(draft).to_vec();
        let died = append(&*store.log, batch(&key, texts)).await;
        assert!(matches!(died, Err(AppendError::Unknown(_))), "{part:?}: {died:?}");
        for log in [&store.log, &other] {
            assert_eq!(all(&**log, &key).await, ["before"], "{part:?}");
            assert_eq!(log.head(&key).await.unwrap().unwrap().seq, Seq(1));
            assert_eq!(total(&**log, &key).await, Some(1));
            assert!(log.read(&key, Seq(3), 9).await.unwrap().is_empty());
            let places: Vec<_> = (2..=5).map(|seq| (key.clone(), Seq(seq))).collect();
            assert_eq!(log.records(&places).await.unwrap(), vec![None; 4], "{part:?}");
        }
        let after = append(&*other, batch(&key, vec![draft("after"), draft("all")])).await.unwrap();
        let mut expected = vec!["before".to_owned()];
        expected.extend(vec!["-".to_owned(); lost]);
        expected.extend(["after".to_owned(), "all".to_owned()]);
        assert_eq!(after.head.0, expected.len() as u64, "{part:?}");
        assert_eq!(all(&*store.log, &key).await, expected, "{part:?}");
        assert_eq!(total(&*store.log, &key).await, Some(3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_died_half_written_is_repeated_once_with_its_key() {
    let Some(stage) = Stage::new().await else { return };
    for part in [vec![0, 2], vec![0, 1, 2], vec![]] {
        let (proxy, store) = proxied(&stage).await;
        let key = fresh();
        post(&*store.log, &key, vec![draft("before")]).await;
        let request = || keyed(batch(&key, vec![draft("p"), named("id", "q"), draft("r")]));
        proxy.tell("insert", "messages", Fault::Part(part.clone()));
        let died = append(&*store.log, request()).await;
        let whole = part.len() == 3;
        assert_eq!(died.is_ok(), whole, "{part:?}: {died:?}");
        let other = stage.store().await.log;
        let again = append(&*other, request()).await.unwrap();
        assert_eq!((again.inserted, again.replayed), (3, whole), "{part:?}");
        assert!(append(&*store.log, request()).await.unwrap().replayed);
        let texts: Vec<_> = all(&*other, &key).await.into_iter().filter(|text| text != "-").collect();
        assert_eq!(texts, ["before", "p", "q", "r"], "{part:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crash_between_two_commits_hides_no_arrival() {
    let Some(stage) = Stage::new().await else { return };
    let (proxy, store) = proxied(&stage).await;
    let (broken, sound) = (fresh(), fresh());
    proxy.tell("insert", "messages", Fault::Part(vec![0]));
    let died = append(&*store.log, batch(&broken, vec![draft("p"), draft("q")])).await;
    assert!(matches!(died, Err(AppendError::Unknown(_))), "{died:?}");
    post(&*store.log, &sound, vec![draft("x")]).await;
    let log: Arc<dyn MessageLog> = stage.store().await.log;
    let start = ArrivalMark::default();
    let arrivals = log.arrivals(&start, 100).await.unwrap();
    let keys: Vec<_> = arrivals.reached.iter().map(|reach| &reach.key).collect();
    assert_eq!(keys, [&sound], "what is not there is not told");
    assert_eq!(arrivals.mark, start, "and not passed");
    assert_eq!(append(&*log, batch(&broken, vec![draft("again")])).await.unwrap().head, Seq(3));
    let arrivals = log.arrivals(&arrivals.mark, 100).await.unwrap();
    assert!(arrivals.reached.iter().any(|reach| reach.key == broken && reach.seq == Seq(3)));
    assert_ne!(arrivals.mark, start);
    let listed = log.conversations(&ConversationMark::default(), 100).await.unwrap().keys;
    assert!(listed.contains(&broken) && listed.contains(&sound), "{listed:?}");
}
