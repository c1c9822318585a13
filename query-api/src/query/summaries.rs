//! `GET …/summary` and `GET …/summaries`: what is stored; nothing is made.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::{
    ConversationKey, Coverage, Dropped, FallbackReason, SummaryVersion, Timestamp, Trigger, Usage, Version,
};
use shared_service::{ApiResult, ConversationPath, Reader, StrictQuery, reply};

use super::paging::Paging;
use super::summary_body::{InsightsBody, SummaryBody, SummaryType, text};
use super::{Query, summary_not_found};
use crate::strict::Faults;

const DEFAULT_LIMIT: u64 = 20;
const MAX_LIMIT: u64 = 100;

/// What may stand behind the `?` of `…/summary`.
#[derive(Debug, Deserialize)]
pub struct NewestParameters {
    summary_type: Option<String>,
}

/// The newest stored summary, and how many messages it does not cover.
pub async fn newest(
    State(query): State<Arc<Query>>,
    Reader(caller): Reader,
    ConversationPath(conversation): ConversationPath,
    StrictQuery(parameters): StrictQuery<NewestParameters>,
) -> ApiResult<Response> {
    let mut faults = Faults::default();
    let summary_type = faults.summary_type("summary_type", parameters.summary_type.as_deref());
    faults.check()?;
    let key = ConversationKey::new(caller.tenant, conversation);
    let head = query.head(&key).await?;
    let summary = query.views.newest_summary(&key).await?.ok_or_else(summary_not_found)?;
    let rows = query.views.conversations(std::slice::from_ref(&key)).await?;
    let participants = rows.first().and_then(Option::as_ref).map_or(&[][..], |row| &row.view.participants);
    let mut body = SummaryBody::new(&key, &summary, summary_type, participants);
    query.shown(&key, &summary);
    body.stale_messages = Some(head.messages.saturating_sub(summary.covers.messages));
    Ok(reply::json(StatusCode::OK, &body))
}

/// What may stand behind the `?` of `…/summaries`.
#[derive(Debug, Deserialize)]
pub struct VersionsParameters {
    page: Option<String>,
    limit: Option<String>,
    summary_type: Option<String>,
}

#[derive(Serialize)]
struct VersionsResponse<'a> {
    conversation_id: &'a str,
    summaries: Vec<VersionBody<'a>>,
    total_summaries: u64,
    page: u64,
    limit: u64,
    total_pages: u64,
}

#[derive(Serialize)]
struct VersionBody<'a> {
    version: Version,
    summary: &'a str,
    insights: InsightsBody<'a>,
    generated_at: Timestamp,
    summary_type: SummaryType,
    covers: Coverage,
    engine: &'a str,
    prompt_version: &'a str,
    degraded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    degraded_reason: Option<FallbackReason>,
    trigger: Trigger,
    usage: Usage,
    #[serde(skip_serializing_if = "<[Dropped]>::is_empty")]
    dropped: &'a [Dropped],
    latency_ms: u64,
}

/// All versions, newest first.
pub async fn versions(
    State(query): State<Arc<Query>>,
    Reader(caller): Reader,
    ConversationPath(conversation): ConversationPath,
    StrictQuery(parameters): StrictQuery<VersionsParameters>,
) -> ApiResult<Response> {
    let mut faults = Faults::default();
    let paging = Paging {
        page: faults.number("page", parameters.page.as_deref(), (1, u64::MAX), 1),
        limit: faults.number("limit", parameters.limit.as_deref(), (1, MAX_LIMIT), DEFAULT_LIMIT),
    };
    let summary_type = faults.summary_type("summary_type", parameters.summary_type.as_deref());
    faults.check()?;
    let key = ConversationKey::new(caller.tenant, conversation);
    query.head(&key).await?;
    let (versions, total) = query.views.summaries(&key, paging.offset(), paging.size()).await?;
    let body = VersionsResponse {
        conversation_id: key.conversation.as_str(),
        summaries: versions.iter().map(|version| VersionBody::new(version, summary_type)).collect(),
        total_summaries: total,
        page: paging.page,
        limit: paging.limit,
        total_pages: paging.pages(total),
    };
    Ok(reply::json(StatusCode::OK, &body))
}

impl<'a> VersionBody<'a> {
    fn new(version: &'a SummaryVersion, summary_type: SummaryType) -> Self {
        Self {
            version: version.version,
            summary: text(version, summary_type),
            insights: InsightsBody::new(version, None),
            generated_at: version.generated_at,
            summary_type,
            covers: version.covers,
            engine: &version.engine,
            prompt_version: &version.prompt_version,
            degraded: version.degraded,
            degraded_reason: version.fallback,
            trigger: version.trigger,
            usage: version.usage,
            dropped: &version.dropped,
            latency_ms: version.latency_ms,
        }
    }
}
