//! `GET /users/{user_id}/chats`: the conversations a user has posted in, latest post first.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::{ConversationKey, Record, TenantId, Timestamp, UserId};
use shared::ports::{HistoryQuery, HistoryRow};
use shared_service::{ApiResult, Reader, StrictQuery, UserPath, reply};

use super::Query;
use super::paging::Paging;
use crate::strict::Faults;

const DEFAULT_LIMIT: u64 = 10;
const MAX_LIMIT: u64 = 100;

/// What may stand behind the `?`.
#[derive(Debug, Deserialize)]
pub struct UserHistoryParameters {
    page: Option<String>,
    limit: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
}

#[derive(Serialize)]
struct UserHistoryResponse<'a> {
    user_id: &'a UserId,
    conversations: Vec<RowBody<'a>>,
    total_conversations: u64,
    page: u64,
    limit: u64,
    total_pages: u64,
}

#[derive(Serialize)]
struct RowBody<'a> {
    conversation_id: &'a str,
    last_message: &'a str,
    timestamp: Timestamp,
    message_count: u64,
    latest: LatestBody<'a>,
}

#[derive(Serialize)]
struct LatestBody<'a> {
    content: &'a str,
    user_id: &'a UserId,
    timestamp: Timestamp,
}

/// Reads a page of a user's conversations.
pub async fn read(
    State(query): State<Arc<Query>>,
    Reader(caller): Reader,
    UserPath(user): UserPath,
    StrictQuery(parameters): StrictQuery<UserHistoryParameters>,
) -> ApiResult<Response> {
    let mut faults = Faults::default();
    let paging = Paging {
        page: faults.number("page", parameters.page.as_deref(), (1, u64::MAX), 1),
        limit: faults.number("limit", parameters.limit.as_deref(), (1, MAX_LIMIT), DEFAULT_LIMIT),
    };
    let (start, end) = (parameters.start_date.as_deref(), parameters.end_date.as_deref());
    let range = faults.range(("start_date", start), ("end_date", end));
    faults.check()?;
    let history = HistoryQuery { start: range.from, end: range.to, offset: paging.offset(), limit: paging.size() };
    let (rows, total) = query.views.history(&caller.tenant, &user, &history).await?;
    let records = query.log.records(&places(&caller.tenant, &rows)).await?;
    let body = UserHistoryResponse {
        user_id: &user,
        conversations: rows.iter().zip(records.chunks(2)).filter_map(|(row, pair)| row_body(row, pair)).collect(),
        total_conversations: total,
        page: paging.page,
        limit: paging.limit,
        total_pages: paging.pages(total),
    };
    Ok(reply::json(StatusCode::OK, &body))
}

/// Two records for each row: the user's last, and the conversation's newest.
fn places(tenant: &TenantId, rows: &[HistoryRow]) -> Vec<(ConversationKey, shared::domain::Seq)> {
    let mut places = Vec::with_capacity(rows.len() * 2);
    for row in rows {
        let key = ConversationKey::new(tenant.clone(), row.conversation.clone());
        places.push((key.clone(), row.last_seq));
        places.push((key, row.latest_seq));
    }
    places
}

/// `None` for a conversation that was erased since its row was read.
fn row_body<'a>(row: &'a HistoryRow, pair: &'a [Option<Record>]) -> Option<RowBody<'a>> {
    let [own, latest] = pair else { return None };
    let own = own.as_ref()?.posted()?;
    let latest = latest.as_ref()?.posted()?;
    Some(RowBody {
        conversation_id: row.conversation.as_str(),
        last_message: &own.content,
        timestamp: row.last,
        message_count: row.messages,
        latest: LatestBody { content: &latest.content, user_id: &latest.user, timestamp: latest.timestamp },
    })
}
