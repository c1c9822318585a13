//! Every suite of every port.

use std::sync::Arc;

use shared::ports::{AuditLog, KeyStore, MessageLog, UserErasures, ViewStore};

use crate::stage::Stage;

async fn log() -> Option<(Arc<dyn MessageLog>, Stage)> {
    let stage = Stage::new().await?;
    Some((stage.store().await.log, stage))
}

async fn views() -> Option<(Arc<dyn ViewStore>, Stage)> {
    let stage = Stage::new().await?;
    Some((stage.store().await.views, stage))
}

async fn keys() -> Option<(Arc<dyn KeyStore>, Stage)> {
    let stage = Stage::new().await?;
    Some((stage.store().await.keys, stage))
}

async fn audit() -> Option<(Arc<dyn AuditLog>, Stage)> {
    let stage = Stage::new().await?;
    Some((stage.store().await.audit, stage))
}

async fn erasures() -> Option<(Arc<dyn UserErasures>, Stage)> {
    let stage = Stage::new().await?;
    Some((stage.store().await.audit, stage))
}

shared_testkit::message_log_suite!(log, sparing);
shared_testkit::view_store_suite!(views);
shared_testkit::key_store_suite!(keys);
shared_testkit::audit_log_suite!(audit);
mod user_erasures {
    shared_testkit::user_erasures_suite!(super::erasures);
}
