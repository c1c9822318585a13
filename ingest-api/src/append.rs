//! `POST /chats` (append): a checked request becomes one batch, waits in its lane, and is answered once it is durable.
//!
//! Law: the lane owns the work. A client that hangs up, or that waited too long, changes nothing about the commit.

mod counts;
mod crowd;
mod failure;
mod idempotency;
mod lane;
mod lanes;
mod quota;
mod reply;
mod retracted;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use shared::domain::{ConversationId, ConversationKey, TenantId, Timestamp};
use shared::ports::{Append, AppendError, Condition, Entry};
use shared_service::{ApiError, ApiResult, JsonBody, StrictQuery, Writer};

use self::idempotency::IdempotencyHeader;
use crate::request::{PostChatsRequest, RequestError};
use crate::routes::Ingest;

pub(crate) use failure::{ERASED, LaneError, NO_MESSAGE, refused};
pub(crate) use lanes::{Lanes, Work};
pub(crate) use quota::Quotas;
pub(crate) use reply::json_string;
pub(crate) use retracted::hear_retractions;

/// Bodies larger than this are read on a blocking thread, where they hold nobody up.
const READ_INLINE_BYTES: usize = 256 * 1024;

pub(crate) async fn post_chats(
    State(ingest): State<Arc<Ingest>>,
    Writer(caller): Writer,
    StrictQuery(()): StrictQuery<()>,
    header: IdempotencyHeader,
    JsonBody(body): JsonBody,
) -> ApiResult<Response> {
    let received_at = ingest.clock.now();
    let request = read(&ingest, &body).await?;
    let (request, key) = match (request, header.key()) {
        (Ok(request), Ok(key)) => (request, key),
        (request, key) => return Err(refused(request.err(), key.err())),
    };
    let new = request.conversation.is_none();
    let work = work(&ingest, caller.tenant, request, key, &body, received_at);
    drop(body);
    let room = ingest.quotas.room(&work.append.key, new, work.messages as u64).await?;
    let outcome = ingest.lanes.append(work).await;
    if let Some(room) = room {
        match &outcome {
            Ok(appended) if appended.replayed => room.stored(0),
            Ok(appended) => room.stored(u64::from(appended.inserted)),
            // It may yet be stored.
            Err(LaneError::Late | LaneError::Append(AppendError::Unknown(_))) => drop(room),
            Err(_) => room.stored(0),
        }
    }
    Ok(reply::posted(&outcome?))
}

async fn read(ingest: &Arc<Ingest>, body: &Bytes) -> ApiResult<Result<PostChatsRequest, RequestError>> {
    if body.len() <= READ_INLINE_BYTES {
        return Ok(PostChatsRequest::parse(body, &ingest.config.limits, &*ingest.ids));
    }
    let (ingest, body) = (Arc::clone(ingest), body.clone());
    let reading = move || PostChatsRequest::parse(&body, &ingest.config.limits, &*ingest.ids);
    tokio::task::spawn_blocking(reading).await.map_err(ApiError::internal)
}

fn work(
    ingest: &Ingest,
    tenant: TenantId,
    request: PostChatsRequest,
    key: Option<&str>,
    body: &[u8],
    received_at: Timestamp,
) -> Work {
    let named = request.conversation.is_some();
    let conversation = request.conversation.unwrap_or_else(|| ConversationId::from_random(ingest.ids.random()));
    let lane = match key {
        // A repeat without a conversation id must meet the first one, so it is the key that chooses the lane.
        Some(key) if !named => ingest.lanes.of(&tenant, key),
        _ => ingest.lanes.of(&tenant, conversation.as_str()),
    };
    let messages = request.messages.len();
    let append = Append {
        key: ConversationKey::new(tenant, conversation),
        entries: request.messages.into_iter().map(Entry::Posted).collect(),
        idempotency: key.map(|key| idempotency::of(key, body)),
        received_at,
        condition: Condition::Always,
    };
    Work { append, lane, messages, bytes: body.len() + messages * size_of::<Entry>() }
}
