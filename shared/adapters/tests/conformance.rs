//! Every suite of every port against the embedded adapters.

use std::sync::Arc;

use shared::ports::{EventBus, KeyStore, MessageLog, RateLimiter, ViewStore};
use shared_adapters::{ChannelEventBus, LocalRateLimiter, SqliteKeyStore, SqliteMessageLog, SqliteViewStore};
use tempfile::TempDir;

async fn log() -> (Arc<dyn MessageLog>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Arc::new(SqliteMessageLog::open(folder.path()).unwrap()), folder)
}

async fn views() -> (Arc<dyn ViewStore>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Arc::new(SqliteViewStore::open(folder.path()).unwrap()), folder)
}

async fn keys() -> (Arc<dyn KeyStore>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Arc::new(SqliteKeyStore::open(folder.path()).unwrap()), folder)
}

async fn bus() -> (Arc<dyn EventBus>, ()) {
    (Arc::new(ChannelEventBus::new()), ())
}

async fn limiter() -> (Arc<dyn RateLimiter>, ()) {
    (Arc::new(LocalRateLimiter::new()), ())
}

shared_testkit::message_log_suite!(log);
shared_testkit::view_store_suite!(views);
shared_testkit::key_store_suite!(keys);
shared_testkit::event_bus_suite!(bus);
shared_testkit::rate_limiter_suite!(limiter);
