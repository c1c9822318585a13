//! One server for all tests of this binary, and a database of its own for each.

use std::sync::{Arc, Mutex, Weak};

use shared::domain::{ConversationKey, Digest, Seq};
use shared::ports::{Append, Idempotency, MessageLog};
use shared_adapters::{MongoConfig, MongoStore, SystemIds};
use shared_testkit::conformance::build::{seqs, texts};
use shared_testkit::mongo_proxy::MongoProxy;
use shared_testkit::process::MongoServer;

/// The server, as long as a test uses it.
static SERVER: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

/// A server on a runtime of its own, since each test's runtime ends with it.
pub(crate) struct Shared {
    pub(crate) server: Option<MongoServer>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.server = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The shared server; `None` if there is no binary.
pub(crate) async fn server() -> Option<Arc<Shared>> {
    let shared = tokio::task::spawn_blocking(|| {
        let mut kept = SERVER.lock().unwrap();
        if let Some(shared) = kept.upgrade() {
            return shared;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(MongoServer::start()).unwrap();
        let shared = Arc::new(Shared { server, runtime: Some(runtime) });
        *kept = Arc::downgrade(&shared);
        shared
    });
    let shared = shared.await.unwrap();
    shared.server.is_some().then_some(shared)
}

/// A database of a test's own.
pub(crate) struct Stage {
    pub(crate) shared: Arc<Shared>,
    pub(crate) name: String,
}

impl Stage {
    /// With its indexes made; `None` if there is no server.
    pub(crate) async fn new() -> Option<Self> {
        let shared = server().await?;
        let stage = Self { shared, name: MongoServer::fresh_name() };
        stage.store().await.migrate().await.unwrap();
        Some(stage)
    }

    pub(crate) fn url(&self) -> String {
        self.shared.server.as_ref().unwrap().url(&self.name)
    }

    /// Adapters of one more process.
    pub(crate) async fn store(&self) -> MongoStore {
        store_at(&self.url()).await
    }
}

/// Adapters over a URL. How fast the machine is decides nothing here.
pub(crate) async fn store_at(url: &str) -> MongoStore {
    impatient(url, shared_testkit::wait::LIMIT).await
}

/// Adapters that give up a call after so long.
pub(crate) async fn impatient(url: &str, limit: std::time::Duration) -> MongoStore {
    let config = MongoConfig { limit, ..MongoConfig::new(url.parse().unwrap()) };
    MongoStore::connect(&config, Arc::new(SystemIds)).await.unwrap()
}

/// A proxy in front of the server, and adapters behind it.
pub(crate) async fn proxied(stage: &Stage) -> (MongoProxy, MongoStore) {
    let proxy = MongoProxy::start(stage.shared.server.as_ref().unwrap().port()).await.unwrap();
    let store = store_at(&MongoServer::url_at(proxy.port(), &stage.name)).await;
    (proxy, store)
}

/// The same batch with an idempotency key.
pub(crate) fn keyed(batch: Append) -> Append {
    Append { idempotency: Some(Idempotency { key: "k".into(), body: Digest::of(b"body") }), ..batch }
}

/// Texts of all records, `-` for those that are no messages; they must be dense.
pub(crate) async fn all(log: &dyn MessageLog, key: &ConversationKey) -> Vec<String> {
    let records = log.read(key, Seq(1), 10_000).await.unwrap();
    assert_eq!(seqs(&records), (1..=records.len() as u64).collect::<Vec<_>>(), "dense");
    texts(&records).into_iter().map(str::to_owned).collect()
}
