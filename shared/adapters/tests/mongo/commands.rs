//! What is sent: counted, not believed. And the indexes that the laws rest on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bson::Document;
use futures_util::TryStreamExt as _;
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
    let told = store.log.ping().await.unwrap_err();
    assert!(told.is_transient() && told.to_string().contains("messages.mid"), "{told}");
    store.migrate().await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.missing_indexes().await.unwrap(), Vec::<String>::new());
    store.log.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_reports_the_indexes_that_the_laws_rest_on() {
    let Some(stage) = Stage::new().await else { return };
    let client = mongodb::Client::with_uri_str(stage.url()).await.unwrap();
    let mut reported = Vec::new();
    for collection in client.database(&stage.name).list_collection_names().await.unwrap() {
        let listed = client.database(&stage.name).collection::<Document>(&collection).list_indexes().await.unwrap();
        for index in listed.try_collect::<Vec<_>>().await.unwrap() {
            let options = index.options.unwrap_or_default();
            let name = format!("{collection}.{}", options.name.unwrap_or_default());
            assert!(options.expire_after.is_none() && options.partial_filter_expression.is_none(), "{name}");
            let set = |option: Option<bool>| option.unwrap_or(false);
            let keys: Vec<_> = index.keys.keys().map(String::as_str).collect();
            reported.push((name, keys.join(" "), set(options.unique), set(options.sparse)));
        }
    }
    // The substitute keeps no `sparse`, and needs none.
    let real = stage.shared.server.as_ref().unwrap().is_real();
    for (name, keys, unique, sparse) in [
        ("messages.mid", "mid", true, true),
        ("messages.late", "late", false, true),
        ("idempotency.at", "at", false, false),
        ("views.newest", "t nw n", false, true),
        ("views.idle", "e rc", false, true),
        ("views.uncovered", "un t n", false, true),
        ("views.degraded", "dg nw", false, true),
        ("views.history", "pt pu pl", false, true),
        ("keys.prefix", "prefix", false, false),
    ] {
        let expected = (name.to_owned(), keys.to_owned(), unique, sparse && real);
        assert!(reported.contains(&expected), "{expected:?} in {reported:?}");
        let asked = schema::indexes().into_iter().find(|(of, index, ..)| format!("{of}.{index}") == name).unwrap();
        assert_eq!((asked.2, asked.3), (unique, sparse), "{name}");
    }
    assert_eq!(reported.iter().filter(|(name, ..)| !name.ends_with("._id_")).count(), schema::indexes().len());
}

#[test]
fn the_log_pays_for_no_index_that_not_every_message_needs() {
    let of_messages: Vec<_> = schema::indexes().into_iter().filter(|(name, ..)| *name == "messages").collect();
    // (collection, name, unique, sparse): without `sparse`, a unique index admits one message without an id.
    let sparse =
        [("messages", "late", false, true), ("messages", "gone", false, true), ("messages", "due", false, true)];
    assert_eq!(of_messages[0], ("messages", "mid", true, true));
    assert_eq!(of_messages[1..], sparse);
}
