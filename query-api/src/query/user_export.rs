//! `GET /users/{user_id}/export`: all that a user wrote, as lines that can be imported again.
//!
//! Law: what is in memory is one part of it, however long it is; and it is on record before the first line goes out.
//! Conversations come by name, the messages of each in order of arrival.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use shared::domain::{
    ActId, AuditEntry, Caller, ConversationId, ConversationKey, Deed, Metadata, Outcome, Record, Seq, TenantId,
    UserDigest, UserId,
};
use shared::error_code::ErrorCode;
use shared::export_line::ExportLine;
use shared::ports::StoreError;
use shared_service::{Admin, ApiError, ApiResult, StrictQuery, UserPath};

use super::Query;

/// Conversations asked for in one call.
const CONVERSATIONS: usize = 100;
/// Records read in one call; as many as 32 KiB each are in memory at once.
const RECORDS: usize = 250;
const JSON_LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// Hands out all that a user wrote. A failure on the way breaks the answer off, so that nobody takes it for whole.
pub async fn export(
    State(query): State<Arc<Query>>,
    Admin(caller): Admin,
    UserPath(user): UserPath,
    StrictQuery(()): StrictQuery<()>,
) -> ApiResult<Response> {
    let mut walk = Walk::new(Arc::clone(&query), caller.tenant.clone(), user);
    let Some(first) = walk.part().await? else {
        return Err(ApiError::new(ErrorCode::NotFound, "there is no message of this user"));
    };
    let asked = query.asked(&caller, &walk.user).await?;
    let lines = stream::try_unfold((walk, Some(first), asked), |(mut walk, first, asked)| async move {
        let part = match first {
            Some(first) => Some(first),
            None => walk.part().await?,
        };
        if part.is_none() {
            walk.query.handed_out(&asked).await?;
        }
        Ok::<_, StoreError>(part.map(|part| (Bytes::from(part), (walk, None, asked))))
    });
    let mut response = Response::new(Body::from_stream(lines));
    response.headers_mut().insert(CONTENT_TYPE, JSON_LINES);
    Ok(response)
}

impl Query {
    async fn asked(&self, caller: &Caller, user: &UserId) -> Result<AuditEntry, StoreError> {
        let entry = AuditEntry {
            act: ActId::from_random(self.ids.random()),
            at: self.clock.now(),
            tenant: caller.tenant.clone(),
            actor: caller.actor(),
            deed: Deed::ExportUser { user: UserDigest::of(&caller.tenant, user) },
            outcome: Outcome::Asked,
        };
        self.audit.record(&entry).await?;
        Ok(entry)
    }

    async fn handed_out(&self, asked: &AuditEntry) -> Result<(), StoreError> {
        self.audit.record(&asked.then(self.clock.now(), Outcome::Done)).await
    }
}

/// How far an export has come.
struct Walk {
    query: Arc<Query>,
    tenant: TenantId,
    user: UserId,
    /// The next conversations, and the last of those that were asked for.
    next: VecDeque<ConversationId>,
    last: Option<ConversationId>,
    /// Where it reads, and from which record on.
    at: Option<(ConversationKey, Seq)>,
}

impl Walk {
    fn new(query: Arc<Query>, tenant: TenantId, user: UserId) -> Self {
        Self { query, tenant, user, next: VecDeque::new(), last: None, at: None }
    }

    /// The next lines; none at the end.
    async fn part(&mut self) -> Result<Option<String>, StoreError> {
        loop {
            let Some((key, from)) = self.place().await? else { return Ok(None) };
            let records = self.query.log.read(&key, from, RECORDS).await?;
            self.at = records.last().map(|last| (key.clone(), last.seq.next()));
            let lines = lines(&key, &self.user, &records)?;
            if !lines.is_empty() {
                return Ok(Some(lines));
            }
        }
    }

    /// Where to read on.
    async fn place(&mut self) -> Result<Option<(ConversationKey, Seq)>, StoreError> {
        if let Some(place) = self.at.take() {
            return Ok(Some(place));
        }
        if self.next.is_empty() {
            let views = &self.query.views;
            let found = views.posted_in(&self.tenant, &self.user, self.last.as_ref(), CONVERSATIONS).await?;
            self.next = found.into();
            self.last = self.next.back().cloned().or(self.last.take());
        }
        let next = self.next.pop_front();
        Ok(next.map(|name| (ConversationKey::new(self.tenant.clone(), name), Seq(1))))
    }
}

fn lines(key: &ConversationKey, user: &UserId, records: &[Record]) -> Result<String, StoreError> {
    let mut lines = String::new();
    for record in records {
        let Some(posted) = record.posted().filter(|posted| posted.user == *user) else { continue };
        let line = ExportLine {
            conversation: key.conversation.as_str(),
            user: posted.user.as_str(),
            timestamp: posted.timestamp,
            seq: record.seq,
            message_id: posted.message_id.as_ref().map(shared::domain::MessageId::as_str),
            content: Some(&posted.content),
            metadata: posted.metadata.as_ref().map(Metadata::as_json),
        };
        lines.push_str(&line.to_json().map_err(|error| StoreError::corrupt("the metadata of a message", error))?);
        lines.push('\n');
    }
    Ok(lines)
}
