//! What is sent: counted, not believed. And the indexes that the laws rest on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use shared::ports::MessageLog as _;
use shared_adapters::mongo::schema;
use shared_adapters::{MongoConfig, MongoStore, SystemIds};
use shared_testkit::conformance::build::{batch, draft, key, tenant};

use crate::stage::Stage;

type Counts = Arc<Mutex<BTreeMap<String, u32>>>;

async fn counting(stage: &Stage) -> (MongoStore, Counts) {
    let counts = Counts::default();
    let theirs = Arc::clone(&counts);
    let watch = move |name: &str| *theirs.lock().unwrap().entry(name.to_owned()).or_default() += 1;
    let config = MongoConfig::new(stage.url().parse().unwrap());
    let store = MongoStore::connect_watched(&config, Arc::new(SystemIds), Some(Arc::new(watch))).await.unwrap();
    (store, counts)
}

fn taken(counts: &Counts) -> Vec<(String, u32)> {
    std::mem::take(&mut *counts.lock().unwrap()).into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_one_command_and_one_for_the_outbox() {
    let Some(stage) = Stage::new().await else { return };
    let (store, counts) = counting(&stage).await;
    let tenant = tenant();
    let batches = || (0..30).map(|n| batch(&key(&tenant, &format!("c{n}")), vec![draft("x"), draft("y")])).collect();
    let sent = |pairs: &[(&str, u32)]| pairs.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect::<Vec<_>>();
    taken(&counts);
    assert!(store.log.append(batches()).await.iter().all(Result::is_ok));
    assert_eq!(taken(&counts), sent(&[("find", 1), ("insert", 2)]), "30 new conversations are looked up together");
    for _ in 0..3 {
        assert!(store.log.append(batches()).await.iter().all(Result::is_ok));
        assert_eq!(taken(&counts), sent(&[("insert", 2)]), "30 conversations");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_indexes_are_named_and_made() {
    let Some(stage) = Stage::new().await else { return };
    let name = format!("{}_bare", stage.name);
    let url = stage.shared.server.as_ref().unwrap().url(&name);
    let store = crate::stage::store_at(&url).await;
    let missing = store.missing_indexes().await.unwrap();
    assert_eq!(missing.len(), schema::indexes().len());
    assert!(missing.contains(&"messages.mid".to_owned()), "{missing:?}");
    assert!(store.log.ping().await.is_err(), "not ready");
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.missing_indexes().await.unwrap(), Vec::<String>::new());
    store.log.ping().await.unwrap();
}

#[test]
fn the_log_pays_for_no_index_that_not_every_message_needs() {
    let of_messages: Vec<_> = schema::indexes().into_iter().filter(|(name, ..)| *name == "messages").collect();
    // (collection, name, unique, sparse): without `sparse`, a unique index admits one message without an id.
    assert_eq!(of_messages, [("messages", "mid", true, true), ("messages", "late", false, true)]);
}
