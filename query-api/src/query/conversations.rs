//! `GET /chats`: the caller's conversations, newest message first: what a dashboard lists.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::domain::{EndReason, Record, Timestamp, UserId, Version};
use shared::ports::{ConversationRow, ListQuery};
use shared_insights::Sentiment;
use shared_service::{ApiResult, Reader, StrictQuery, reply};

use super::Query;
use super::paging::Paging;
use super::summary_body::Participants;
use crate::strict::Faults;

const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 100;
/// Participants shown in a row.
const SHOWN_PARTICIPANTS: usize = 8;
/// Characters of the last message that are shown.
const SHOWN_CHARACTERS: usize = 280;
const MAX_CONTAINS: usize = 256;

/// What may stand behind the `?`.
#[derive(Debug, Deserialize)]
pub struct ListParameters {
    page: Option<String>,
    limit: Option<String>,
    contains: Option<String>,
}

#[derive(Serialize)]
struct ListResponse<'a> {
    conversations: Vec<RowBody<'a>>,
    total_conversations: u64,
    page: u64,
    limit: u64,
    total_pages: u64,
}

#[derive(Serialize)]
struct RowBody<'a> {
    conversation_id: &'a str,
    message_count: u64,
    participant_count: u64,
    participants: Participants<'a>,
    last_message: Option<LastMessageBody<'a>>,
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    sentiment: Sentiment,
    sentiment_score: f64,
    trend: Vec<f64>,
    ended: Option<EndReason>,
    stale_messages: u64,
    summary_version: Option<Version>,
}

#[derive(Serialize)]
struct LastMessageBody<'a> {
    content: Cow<'a, str>,
    user_id: &'a UserId,
    timestamp: Timestamp,
}

/// Reads a page of the caller's conversations.
pub async fn list(
    State(query): State<Arc<Query>>,
    Reader(caller): Reader,
    StrictQuery(parameters): StrictQuery<ListParameters>,
) -> ApiResult<Response> {
    let mut faults = Faults::default();
    let paging = Paging {
        page: faults.number("page", parameters.page.as_deref(), (1, u64::MAX), 1),
        limit: faults.number("limit", parameters.limit.as_deref(), (1, MAX_LIMIT), DEFAULT_LIMIT),
    };
    let contains = parameters.contains.filter(|text| !text.is_empty());
    if contains.as_deref().is_some_and(|text| text.chars().count() > MAX_CONTAINS) {
        faults.add("contains", format!("must have at most {MAX_CONTAINS} characters"));
    }
    faults.check()?;
    let wanted = ListQuery { contains, offset: paging.offset(), limit: paging.size() };
    let (rows, total) = query.views.list(&caller.tenant, &wanted).await?;
    let counts = query.participant_counts(&rows).await?;
    let last = query.last_messages(&rows).await?;
    let body = ListResponse {
        conversations: rows
            .iter()
            .zip(counts)
            .zip(&last)
            .map(|((row, participants), last)| RowBody::new(row, participants, last.as_ref()))
            .collect(),
        total_conversations: total,
        page: paging.page,
        limit: paging.limit,
        total_pages: paging.pages(total),
    };
    Ok(reply::json(StatusCode::OK, &body))
}

impl Query {
    /// The newest message of each row, in one call.
    async fn last_messages(&self, rows: &[ConversationRow]) -> ApiResult<Vec<Option<Record>>> {
        let newest = |row: &ConversationRow| row.view.newest.map(|newest| (row.key.clone(), newest.seq));
        let places: Vec<_> = rows.iter().filter_map(newest).collect();
        let mut records = self.log.records(&places).await?.into_iter();
        Ok(rows.iter().map(|row| row.view.newest.and_then(|_| records.next().flatten())).collect())
    }

    /// How many users wrote in each row: the view knows, unless there are more than it lists.
    async fn participant_counts(&self, rows: &[ConversationRow]) -> ApiResult<Vec<u64>> {
        let mut counts = Vec::with_capacity(rows.len());
        for row in rows {
            counts.push(if row.view.unlisted_messages == 0 {
                row.view.participants.len() as u64
            } else {
                self.views.participants(&row.key).await?
            });
        }
        Ok(counts)
    }
}

impl<'a> RowBody<'a> {
    fn new(row: &'a ConversationRow, participant_count: u64, last: Option<&'a Record>) -> Self {
        let view = &row.view;
        let sentiment = view.insights.sentiment();
        let shown = view.participants.len().min(SHOWN_PARTICIPANTS);
        let covered = row.summary.map_or(0, |pointer| pointer.covers.messages);
        Self {
            conversation_id: row.key.conversation.as_str(),
            message_count: view.messages,
            participant_count,
            participants: Participants(&view.participants[..shown]),
            last_message: last.and_then(Record::posted).map(|posted| LastMessageBody {
                content: shortened(&posted.content),
                user_id: &posted.user,
                timestamp: posted.timestamp,
            }),
            first_at: view.first_at,
            last_at: view.newest.map(|newest| newest.timestamp),
            sentiment: sentiment.class,
            sentiment_score: sentiment.score,
            trend: view.insights.trend(),
            ended: view.ended,
            stale_messages: view.messages.saturating_sub(covered),
            summary_version: row.summary.map(|pointer| pointer.version),
        }
    }
}

/// At most [`SHOWN_CHARACTERS`]; what was cut ends with `…`.
fn shortened(content: &str) -> Cow<'_, str> {
    let mut ends = content.char_indices().skip(SHOWN_CHARACTERS - 1);
    let (Some((end, _)), Some(_)) = (ends.next(), ends.next()) else {
        return Cow::Borrowed(content);
    };
    Cow::Owned(format!("{}…", &content[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let fits = "é".repeat(280);
        assert_eq!(shortened(&fits), fits);
        let cut = shortened(&"🦀".repeat(281)).into_owned();
        assert_eq!(cut.chars().count(), 280);
        assert!(cut.ends_with("🦀…"));
        assert_eq!(shortened(""), "");
    }
}
