//! `PATCH` and `DELETE /chats/{conversation_id}/messages/{seq}`: one message edited or erased.
//!
//! The change goes through the lane of its conversation as a record of its own. Law: when it is answered with 2xx, what
//! was said before is in no store, nor is anything that was made from it: summaries and gists are taken back here, and
//! once more by the projector when it meets the record, should this process be gone in between.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use shared::domain::{ConversationKey, Deed, MessageId, Metadata, Posted, RecordBody, Seq, Timestamp, UserId};
use shared::error_code::ErrorCode;
use shared::ports::{
    Announcement, Append, Appended, Condition, Edit, Entry, EventBus, MessageLog, Ports, StoreError, ViewStore,
};
use shared_service::{ApiError, ApiResult, JsonBody, MessagePath, StrictQuery, Writer, reply};

use crate::append::{ERASED, NO_MESSAGE, Work, refused};
use crate::request::PatchMessageRequest;
use crate::routes::Ingest;

/// What changes of messages need beside the lanes.
pub(crate) struct Changes {
    log: Arc<dyn MessageLog>,
    views: Arc<dyn ViewStore>,
    bus: Arc<dyn EventBus>,
}

pub(crate) async fn patch_message(
    State(ingest): State<Arc<Ingest>>,
    Writer(caller): Writer,
    MessagePath(conversation, seq): MessagePath,
    StrictQuery(()): StrictQuery<()>,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let patch = PatchMessageRequest::parse(&body, &ingest.config.limits).map_err(|error| refused(Some(error), None))?;
    let key = ConversationKey::new(caller.tenant.clone(), conversation);
    let before = ingest.changes.message(&key, seq).await?;
    let content = patch.content.unwrap_or_else(|| before.content.clone());
    let metadata = patch.metadata.unwrap_or_else(|| before.metadata.clone());
    let mut edited_at = before.edit.as_ref().map(|edit| edit.at);
    if content != before.content || metadata != before.metadata {
        let received_at = ingest.clock.now();
        let (content, metadata) = (content.clone(), metadata.clone());
        let edit = Edit { target: seq, content, metadata, salt: ingest.ids.random() };
        let deed = Deed::EditMessage { conversation_id: key.conversation.clone(), seq };
        let (acting, key) = (Arc::clone(&ingest), key.clone());
        let editing = async move { change(&acting, &key, Entry::Edited(edit), received_at).await };
        ingest.acts.carry_out(&caller, deed, editing).await?;
        edited_at = Some(received_at);
    }
    let shown = Shown {
        content: &content,
        timestamp: before.timestamp,
        user_id: &before.user,
        seq,
        message_id: before.message_id.as_ref(),
        metadata: metadata.as_ref(),
        edited_at,
    };
    Ok(reply::json(StatusCode::OK, &shown))
}

pub(crate) async fn delete_message(
    State(ingest): State<Arc<Ingest>>,
    Writer(caller): Writer,
    MessagePath(conversation, seq): MessagePath,
    StrictQuery(()): StrictQuery<()>,
) -> ApiResult<Response> {
    let key = ConversationKey::new(caller.tenant.clone(), conversation);
    let received_at = ingest.clock.now();
    let deed = Deed::EraseMessage { conversation_id: key.conversation.clone(), seq };
    let (stands, acting) = (ingest.changes.stands(&key, seq).await?, Arc::clone(&ingest));
    let erasing = async move {
        change(&acting, &key, Entry::Erased(seq), received_at).await?;
        acting.quotas.erased(&key);
        Ok(())
    };
    if stands {
        ingest.acts.carry_out(&caller, deed, erasing).await?;
    } else {
        // It was on record when it was erased.
        erasing.await?;
    }
    Ok(reply::no_content())
}

/// Appends the change, then takes back what was made from the message.
async fn change(ingest: &Ingest, key: &ConversationKey, entry: Entry, received_at: Timestamp) -> ApiResult<()> {
    let target = entry.target().unwrap_or_default();
    let bytes = match &entry {
        Entry::Edited(edit) => edit.content.len() + edit.metadata.as_ref().map_or(0, |json| json.as_json().len()),
        _ => 0,
    };
    let append =
        Append { key: key.clone(), entries: vec![entry], idempotency: None, received_at, condition: Condition::Always };
    let lane = ingest.lanes.of(&key.tenant, key.conversation.as_str());
    let work = Work { append, lane, messages: 1, bytes: bytes + size_of::<Entry>() };
    let appended = ingest.lanes.append(work).await?;
    Ok(ingest.changes.retract(key, target, &appended).await?)
}

impl Changes {
    pub(crate) fn new(ports: &Ports) -> Self {
        Self { log: Arc::clone(&ports.log), views: Arc::clone(&ports.views), bus: Arc::clone(&ports.bus) }
    }

    /// The message as it is, or why it cannot be edited.
    async fn message(&self, key: &ConversationKey, seq: Seq) -> ApiResult<Posted> {
        let found = self.log.records(&[(key.clone(), seq)]).await?.pop().flatten();
        match found.map(|record| record.body) {
            Some(RecordBody::Posted(posted)) => Ok(posted),
            Some(RecordBody::Removed(_)) => Err(ApiError::new(ErrorCode::Conflict, ERASED)),
            None if self.log.head(key).await?.is_none() => {
                Err(ApiError::new(ErrorCode::ConversationNotFound, "no such conversation"))
            }
            _ => Err(ApiError::new(ErrorCode::NotFound, NO_MESSAGE)),
        }
    }

    /// Whether the message is there to be erased: false where that was done before.
    async fn stands(&self, key: &ConversationKey, seq: Seq) -> ApiResult<bool> {
        match self.message(key, seq).await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == ErrorCode::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A change that had been made before is taken back by whoever made it, unless its view does not know of it yet.
    async fn retract(&self, key: &ConversationKey, target: Seq, appended: &Appended) -> Result<(), StoreError> {
        if appended.inserted == 0 {
            let row = self.views.conversations(std::slice::from_ref(key)).await?.pop().flatten();
            if row.is_none_or(|row| row.view.applied_seq >= appended.head) {
                return Ok(());
            }
        }
        let version = self.views.retract(key, &[target]).await?;
        self.bus.announce(Announcement::Retracted { key: key.clone(), version });
        Ok(())
    }
}

/// A message as history shows it.
#[derive(Serialize)]
struct Shown<'a> {
    content: &'a str,
    timestamp: Timestamp,
    user_id: &'a UserId,
    seq: Seq,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Timestamp>,
}
