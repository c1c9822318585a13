//! push: announcement → one load → all sockets of that conversation. Law: a listener is sent the newest only, each
//! frame is encoded once however many listen, and nothing queues up for a slow one.
//!
//! - [`upgrade`]: `GET /ws/summarize` becomes a [`socket`] for a [`subscription`]
//! - [`hub`]: hears announcements; [`schedule`] says which conversations to load when
//! - [`load`]: views → [`frames`]
//! - [`board`]: the newest frames of a conversation, seen by all its sockets
//! - [`callers`] and [`pace`]: how many sockets a caller may have, and how many frames it may send
//! - [`wire`]: bytes of WebSocket frames (RFC 6455)

pub mod board;
pub mod callers;
pub mod frames;
pub mod heard;
pub mod hub;
pub mod load;
pub mod pace;
pub mod schedule;
pub mod socket;
pub mod subscription;
pub mod upgrade;
pub mod wire;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

pub use hub::Hub;

/// The routes of this hop.
pub fn routes(hub: Arc<Hub>) -> Router {
    Router::new().route("/ws/summarize", get(upgrade::listen)).with_state(hub)
}
