//! The query and push hops: history, summaries and live updates, from the log and the views.
//!
//! Its one law: nothing here writes, but for the record that a user was exported. What it shows is what the log and the
//! views hold, and what a worker was asked to make.
//!
//! - [`query`]: log and views → HTTP
//! - [`push`]: announcement → one load → all sockets of that conversation
//! - [`config`]: the settings of both
//! - [`strict`]: reading parameters and JSON objects without losing a typo

pub mod config;
pub mod push;
pub mod query;
pub mod strict;

use std::sync::Arc;

use axum::Router;
use shared::ports::Ports;
use shared_service::Tasks;

pub use config::QueryConfig;

/// The routes of this service. Spawns the push hub and the renewals, which end with `tasks`.
pub fn build(ports: &Ports, config: &QueryConfig, tasks: &Tasks) -> Router {
    let hub = push::Hub::start(ports, config, tasks);
    query::routes(Arc::new(query::Query::new(ports, config, tasks))).merge(push::routes(hub))
}
