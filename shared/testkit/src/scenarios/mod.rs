//! What users do, through the real HTTP and WebSocket interface. Law: a scenario knows an address and nothing else, so
//! that it runs against one process and against many services alike.
//!
//! The server is started with short summary times ([`settings`]) and serves all scenarios at once; each has
//! conversations of its own.

pub mod access;
pub mod append;
pub mod bad_input;
pub mod bad_socket;
pub mod change;
pub mod every_route;
pub mod frames;
pub mod model;
pub mod oracle;
pub mod push;
pub mod query;
pub mod same_work;
pub mod sets;
pub mod slow;
pub mod smuggling;
pub mod summarize;
pub mod tenants;
pub mod users;
pub mod wire;

use crate::process::Launch;

/// Short times, so that what happens after a silence happens soon.
#[must_use]
pub fn settings(launch: Launch) -> Launch {
    launch.env("SUMMARY_IDLE", "150ms").env("SUMMARY_MIN_INTERVAL", "300ms").env("LOG_LEVEL", "warn")
}
