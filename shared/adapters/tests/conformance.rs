//! Every suite of every port against the embedded adapters.

#![expect(clippy::unwrap_used, reason = "a backend that cannot be opened fails its test")]

use std::future::{Ready, ready};
use std::sync::Arc;

use shared::ports::{AuditLog, EventBus, KeyStore, MessageLog, RateLimiter, UserErasures, ViewStore};
use shared_adapters::{
    ChannelEventBus, LocalRateLimiter, SqliteAuditStore, SqliteKeyStore, SqliteMessageLog, SqliteViewStore,
};
use tempfile::TempDir;

fn log() -> Ready<(Arc<dyn MessageLog>, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    ready((Arc::new(SqliteMessageLog::open(folder.path()).unwrap()), folder))
}

fn views() -> Ready<(Arc<dyn ViewStore>, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    ready((Arc::new(SqliteViewStore::open(folder.path()).unwrap()), folder))
}

fn keys() -> Ready<(Arc<dyn KeyStore>, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    ready((Arc::new(SqliteKeyStore::open(folder.path()).unwrap()), folder))
}

fn audit() -> Ready<(Arc<dyn AuditLog>, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    ready((Arc::new(SqliteAuditStore::open(folder.path()).unwrap()), folder))
}

fn erasures() -> Ready<(Arc<dyn UserErasures>, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    ready((Arc::new(SqliteAuditStore::open(folder.path()).unwrap()), folder))
}

fn bus() -> Ready<(Arc<dyn EventBus>, ())> {
    ready((Arc::new(ChannelEventBus::new()), ()))
}

fn limiter() -> Ready<(Arc<dyn RateLimiter>, ())> {
    ready((Arc::new(LocalRateLimiter::new()), ()))
}

shared_testkit::message_log_suite!(log);
shared_testkit::view_store_suite!(views);
shared_testkit::key_store_suite!(keys);
shared_testkit::audit_log_suite!(audit);
mod user_erasures {
    shared_testkit::user_erasures_suite!(super::erasures);
}
shared_testkit::event_bus_suite!(bus);
shared_testkit::rate_limiter_suite!(limiter);
