//! `DELETE /chats/{conversation_id}`: the log first, since it is the truth, then all that was derived from it.
//!
//! Law: an erasure that began is brought to its end, by this process or, after a crash or a failure, by the
//! reconciler: the log remembers it until the views are gone.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use shared::domain::{ConversationKey, Deed};
use shared::error_code::ErrorCode;
use shared::ports::{Announcement, EventBus, MessageLog, Notice, Ports, StoreError, ViewStore};
use shared_service::reply::no_content;
use shared_service::{ApiError, ApiResult, ConversationPath, StrictQuery, Tasks, Writer};
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::config::IngestConfig;
use crate::routes::Ingest;

pub(crate) async fn delete_chat(
    State(ingest): State<Arc<Ingest>>,
    Writer(caller): Writer,
    ConversationPath(conversation): ConversationPath,
    StrictQuery(()): StrictQuery<()>,
) -> ApiResult<Response> {
    let key = ConversationKey::new(caller.tenant.clone(), conversation);
    if !ingest.eraser.finds(&key).await? {
        return Err(ApiError::new(ErrorCode::ConversationNotFound, "no such conversation"));
    }
    let deed = Deed::EraseConversation { conversation_id: key.conversation.clone() };
    let acting = Arc::clone(&ingest);
    let erasing = async move {
        acting.eraser.erase(key.clone()).await?;
        acting.quotas.erased(&key);
        Ok(())
    };
    ingest.acts.carry_out(&caller, deed, erasing).await?;
    Ok(no_content())
}

/// Erases conversations in tasks of their own, so that a client that hangs up stops nothing in the middle.
pub(crate) struct Eraser {
    stores: Stores,
    running: Arc<Semaphore>,
    timeout: Duration,
    tasks: Tasks,
}

#[derive(Clone)]
struct Stores {
    log: Arc<dyn MessageLog>,
    views: Arc<dyn ViewStore>,
    bus: Arc<dyn EventBus>,
}

impl Eraser {
    pub(crate) fn new(ports: &Ports, config: &IngestConfig, tasks: &Tasks) -> Self {
        let (log, views, bus) = (Arc::clone(&ports.log), Arc::clone(&ports.views), Arc::clone(&ports.bus));
        Self {
            stores: Stores { log, views, bus },
            running: Arc::new(Semaphore::new(config.erase_concurrency)),
            timeout: config.append_timeout,
            tasks: tasks.clone(),
        }
    }

    /// Whether there is such a conversation.
    async fn finds(&self, key: &ConversationKey) -> ApiResult<bool> {
        Ok(self.stores.log.head(key).await?.is_some())
    }

    /// Erases a conversation, or says that there is none.
    async fn erase(&self, key: ConversationKey) -> ApiResult<()> {
        let Ok(running) = Arc::clone(&self.running).try_acquire_owned() else {
            return Err(ApiError::new(ErrorCode::Overloaded, "too many conversations are being erased; try again"));
        };
        let (stores, hold) = (self.stores.clone(), self.tasks.hold());
        let span = tracing::info_span!("erase");
        let erasing = tokio::spawn(
            async move {
                let erased = stores.erase(&key).await;
                drop((running, hold));
                erased
            }
            .instrument(span),
        );
        match tokio::time::timeout(self.timeout, erasing).await {
            Ok(Ok(Ok(true))) => Ok(()),
            Ok(Ok(Ok(false))) => Err(ApiError::new(ErrorCode::ConversationNotFound, "no such conversation")),
            Ok(Ok(Err(error))) => Err(error.into()),
            Ok(Err(panicked)) => Err(ApiError::internal(panicked)),
            Err(_) => {
                Err(ApiError::new(ErrorCode::Unavailable, "erasing takes long and goes on; repeat to see its end"))
            }
        }
    }
}

impl Stores {
    async fn erase(&self, key: &ConversationKey) -> Result<bool, StoreError> {
        if !self.log.erase(key).await? {
            return Ok(false);
        }
        let views = self.views.erase(key).await;
        self.bus.announce(Announcement::Erased { key: key.clone() });
        views?;
        self.log.erased(key).await?;
        // A message that came meanwhile began a new conversation, whose view may have gone with the old one.
        if let Some(head) = self.log.head(key).await? {
            self.bus.notify(Notice { key: key.clone(), seq: head.seq });
        }
        Ok(true)
    }
}
