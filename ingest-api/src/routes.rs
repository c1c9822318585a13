//! The routes of ingest and what they share.

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, post};
use shared::ports::{Clock, IdSource, Ports};
use shared_service::Tasks;

use crate::append::{self, Lanes, Quotas};
use crate::config::IngestConfig;
use crate::end;
use crate::erase::{self, Eraser};

/// What every handler finds.
pub(crate) struct Ingest {
    pub(crate) config: IngestConfig,
    pub(crate) lanes: Lanes,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) eraser: Eraser,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
}

/// `POST /chats`, `POST /chats/{conversation_id}/end` and `DELETE /chats/{conversation_id}`, with their lanes running.
///
/// Must be called within a Tokio runtime. The lanes take what is queued until [`Tasks::stopping`], then finish it.
pub fn build(ports: &Ports, config: &IngestConfig, tasks: &Tasks) -> Router {
    let ingest = Ingest {
        config: *config,
        lanes: Lanes::start(ports, config, tasks),
        quotas: Arc::new(Quotas::new(ports, config)),
        eraser: Eraser::new(ports, config, tasks),
        clock: Arc::clone(&ports.clock),
        ids: Arc::clone(&ports.ids),
    };
    Router::new()
        .route("/chats", post(append::post_chats))
        .route("/chats/{conversation_id}/end", post(end::post_end))
        .route("/chats/{conversation_id}", delete(erase::delete_chat))
        // Another service posts to this path, which hides the pattern above; it is a conversation's name all the same.
        .route("/chats/summarize", delete(erase::delete_chat))
        .with_state(Arc::new(ingest))
}
