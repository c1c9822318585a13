//! The routes of ingest and what they share.

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, patch, post};
use shared::ports::{Clock, IdSource, Ports, UserErasures};
use shared_service::Tasks;

use crate::acts::Acts;
use crate::append::{self, Lanes, Quotas, hear_retractions};
use crate::change::{self, Changes};
use crate::config::IngestConfig;
use crate::end;
use crate::erase::{self, Eraser};
use crate::erase_user;

/// What every handler finds.
pub(crate) struct Ingest {
    pub(crate) config: IngestConfig,
    pub(crate) lanes: Lanes,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) eraser: Eraser,
    pub(crate) changes: Changes,
    pub(crate) acts: Acts,
    pub(crate) user_erasures: Arc<dyn UserErasures>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
}

/// All routes that write messages, end and erase, with their lanes running.
///
/// Must be called within a Tokio runtime. The lanes take what is queued until [`Tasks::stopping`], then finish it.
pub fn build(ports: &Ports, config: &IngestConfig, tasks: &Tasks) -> Router {
    let quotas = Arc::new(Quotas::new(ports, config));
    if quotas.is_set() {
        let hearing = hear_retractions(Arc::clone(&quotas), Arc::clone(&ports.bus), tasks.stopping());
        tasks.spawn("hear-retractions", hearing);
    }
    let ingest = Ingest {
        config: *config,
        lanes: Lanes::start(ports, config, tasks),
        quotas,
        eraser: Eraser::new(ports, config, tasks),
        changes: Changes::new(ports),
        acts: Acts::new(ports, tasks),
        user_erasures: Arc::clone(&ports.user_erasures),
        clock: Arc::clone(&ports.clock),
        ids: Arc::clone(&ports.ids),
    };
    Router::new()
        .route("/chats", post(append::post_chats))
        .route("/chats/{conversation_id}/end", post(end::post_end))
        .route("/chats/{conversation_id}/messages/{seq}", patch(change::patch_message).delete(change::delete_message))
        .route("/chats/{conversation_id}", delete(erase::delete_chat))
        // Another service posts to this path, which hides the pattern above; it is a conversation's name all the same.
        .route("/chats/summarize", delete(erase::delete_chat))
        .route("/users/{user_id}", delete(erase_user::delete_user))
        .with_state(Arc::new(ingest))
}
