//! query: log and views → HTTP. Law: a read sees what was acknowledged before it, as far as its source can;
//! history comes from the log and sees all, lists come from views and lag by milliseconds.
//!
//! - [`history`]: the messages of a conversation; [`cursor`], [`paging`] and [`around`] tell where a page begins
//! - [`summarize`]: a summary that covers everything, made now if needed; equal requests share one [`flight`]
//! - [`summaries`]: stored summaries and their versions; [`summary_body`] is how they are shown
//! - [`renew`]: summaries of the local engine, made anew by a model once they are shown
//! - [`user_history`], [`conversations`]: lists
//! - [`user_export`]: all that a user wrote; [`user_erasure`]: how far its erasure has come

pub mod around;
pub mod conversations;
pub mod cursor;
pub mod flight;
pub mod history;
pub mod paging;
pub mod renew;
pub mod summaries;
pub mod summarize;
pub mod summary_body;
pub mod user_erasure;
pub mod user_export;
pub mod user_history;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use shared::domain::{ConversationKey, SummaryVersion, Version};
use shared::error_code::ErrorCode;
use shared::ports::{AuditLog, Clock, EventBus, Head, IdSource, MessageLog, Ports, UserErasures, ViewStore};
use shared_service::{ApiError, ApiResult, Tasks};

use crate::config::QueryConfig;
use flight::Flights;
use renew::Renewals;
pub use summary_body::SummaryType;

/// What the routes of this hop read from.
pub struct Query {
    log: Arc<dyn MessageLog>,
    views: Arc<dyn ViewStore>,
    bus: Arc<dyn EventBus>,
    audit: Arc<dyn AuditLog>,
    user_erasures: Arc<dyn UserErasures>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    summarize_timeout: Duration,
    flights: Flights,
    renewals: Renewals,
}

impl Query {
    /// Over these ports.
    #[must_use]
    pub fn new(ports: &Ports, config: &QueryConfig, tasks: &Tasks) -> Self {
        Self {
            log: Arc::clone(&ports.log),
            views: Arc::clone(&ports.views),
            bus: Arc::clone(&ports.bus),
            audit: Arc::clone(&ports.audit),
            user_erasures: Arc::clone(&ports.user_erasures),
            clock: Arc::clone(&ports.clock),
            ids: Arc::clone(&ports.ids),
            summarize_timeout: config.summarize_timeout,
            flights: Flights::default(),
            renewals: Renewals::start(Arc::clone(&ports.bus), tasks),
        }
    }

    /// A stored summary was shown.
    fn shown(&self, key: &ConversationKey, summary: &SummaryVersion) {
        self.renewals.shown(key, summary);
    }

    /// Where a conversation stands, or that there is none.
    async fn head(&self, key: &ConversationKey) -> ApiResult<Head> {
        self.log.head(key).await?.ok_or_else(conversation_not_found)
    }
}

/// The routes of this hop.
pub fn routes(query: Arc<Query>) -> Router {
    Router::new()
        .route("/chats", get(conversations::list))
        // A conversation may have the name of the route.
        .route("/chats/summarize", post(summarize::summarize).get(history::read))
        .route("/chats/{conversation_id}", get(history::read))
        .route("/chats/{conversation_id}/summary", get(summaries::newest))
        .route("/chats/{conversation_id}/summaries", get(summaries::versions))
        .route("/users/{user_id}/chats", get(user_history::read))
        .route("/users/{user_id}/export", get(user_export::export))
        .route("/users/{user_id}/erasure", get(user_erasure::read))
        .with_state(query)
}

fn conversation_not_found() -> ApiError {
    ApiError::new(ErrorCode::ConversationNotFound, "there is no such conversation")
}

fn summary_not_found() -> ApiError {
    ApiError::new(ErrorCode::SummaryNotFound, "the conversation has no summary yet; POST /chats/summarize makes one")
}

/// A version that the log says must be there is not.
fn summary_missing(version: Option<Version>) -> ApiError {
    let version = version.map_or_else(String::new, |version| format!(" {version}"));
    ApiError::new(ErrorCode::Unavailable, format!("the summary{version} could not be read now"))
        .retry_after(Duration::from_secs(1))
}
