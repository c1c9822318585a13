//! `GET /chats/{conversation_id}`: the messages of a conversation in order of time, straight from the log.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize, Serializer};
use shared::domain::{ConversationKey, MessageId, Metadata, Record, Seq, Timestamp, UserId};
use shared::error_code::ErrorCode;
use shared::ports::{Order, PageQuery, PageStart, Position};
use shared_service::{ApiError, ApiResult, ConversationPath, Reader, StrictQuery, reply};

use super::cursor::Cursor;
use super::paging::Paging;
use super::{Query, conversation_not_found};
use crate::strict::Faults;
use crate::strict::faults::TimeRange;

const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 500;

/// What may stand behind the `?`.
#[derive(Debug, Default, Deserialize)]
pub struct HistoryParameters {
    page: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
    order: Option<String>,
    since: Option<String>,
    until: Option<String>,
    around_seq: Option<String>,
}

/// Reads a page of a conversation.
pub async fn read(
    State(query): State<Arc<Query>>,
    Reader(caller): Reader,
    ConversationPath(conversation): ConversationPath,
    StrictQuery(parameters): StrictQuery<HistoryParameters>,
) -> ApiResult<Response> {
    let key = ConversationKey::new(caller.tenant, conversation);
    let wanted = parameters.parse(&key)?;
    let start = match wanted.start {
        Start::Page(paging) => PageStart::Offset(paging.offset()),
        Start::After(position) => PageStart::After(position),
        Start::Around(seq) => return read_around(&query, &key, &wanted, seq).await,
    };
    let page = query.log.page(&key, &wanted.page_query(start)).await?.ok_or_else(conversation_not_found)?;
    let next = page.records.last().filter(|_| page.more);
    let mut body = wanted.response(&key, &page.records, page.total);
    body.next_cursor = next.and_then(|last| wanted.cursor(wanted.order, last, &key));
    Ok(reply::json(StatusCode::OK, &body))
}

/// The same page with the way on in both directions, and its place in the whole.
async fn read_around(query: &Query, key: &ConversationKey, wanted: &Wanted, seq: Seq) -> ApiResult<Response> {
    let mut page = query.around(key, seq, usize::try_from(wanted.limit).unwrap_or(usize::MAX)).await?;
    let (mut before, mut precedes, mut follows) = (page.before, page.older, page.newer);
    if wanted.order == Order::Descending {
        before = page.total.saturating_sub(page.before + page.records.len() as u64);
        page.records.reverse();
        (precedes, follows) = (follows, precedes);
    }
    let first = page.records.first().filter(|_| precedes);
    let last = page.records.last().filter(|_| follows);
    let mut body = wanted.response(key, &page.records, page.total);
    body.next_cursor = last.and_then(|last| wanted.cursor(wanted.order, last, key));
    body.previous_cursor = first.and_then(|first| wanted.cursor(opposite(wanted.order), first, key));
    body.preceding_messages = Some(before);
    Ok(reply::json(StatusCode::OK, &body))
}

fn opposite(order: Order) -> Order {
    match order {
        Order::Ascending => Order::Descending,
        Order::Descending => Order::Ascending,
    }
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    order: Order,
    range: TimeRange,
    limit: u64,
    start: Start,
}

#[derive(Debug, PartialEq, Eq)]
enum Start {
    Page(Paging),
    After(Position),
    Around(Seq),
}

impl HistoryParameters {
    fn parse(&self, key: &ConversationKey) -> ApiResult<Wanted> {
        let mut faults = Faults::default();
        let limit = faults.number("limit", self.limit.as_deref(), (1, MAX_LIMIT), DEFAULT_LIMIT);
        let page = faults.number("page", self.page.as_deref(), (1, u64::MAX), 1);
        let range = faults.range(("since", self.since.as_deref()), ("until", self.until.as_deref()));
        let order = match self.order.as_deref() {
            None => None,
            Some("asc") => Some(Order::Ascending),
            Some("desc") => Some(Order::Descending),
            Some(_) => {
                faults.add("order", "must be \"asc\" or \"desc\"");
                None
            }
        };
        if self.page.is_some() && self.cursor.is_some() {
            faults.add("cursor", "cannot stand together with page");
        }
        let around = self.around_seq.as_deref().map(|text| faults.number("around_seq", Some(text), (1, u64::MAX), 1));
        let others = [&self.page, &self.cursor, &self.since, &self.until];
        if around.is_some() && others.into_iter().any(Option::is_some) {
            faults.add("around_seq", "cannot stand together with page, cursor, since or until");
        }
        faults.check()?;
        let Some(text) = &self.cursor else {
            let start = around.map_or(Start::Page(Paging { page, limit }), |seq| Start::Around(Seq(seq)));
            return Ok(Wanted { order: order.unwrap_or_default(), range, limit, start });
        };
        let cursor = Cursor::decode(text, key).map_err(|_| {
            invalid_cursor("the cursor is not one that this conversation gave; take next_cursor as it was given")
        })?;
        // A cursor goes on with what it was made for; parameters may repeat that and nothing else.
        let other = |given: bool, same: bool| given && !same;
        if other(order.is_some(), order == Some(cursor.order))
            || other(self.since.is_some(), range.from == cursor.range.from)
            || other(self.until.is_some(), range.to == cursor.range.to)
        {
            return Err(invalid_cursor("the cursor was given for another order, since or until; leave these out"));
        }
        Ok(Wanted { order: cursor.order, range: cursor.range, limit, start: Start::After(cursor.after) })
    }
}

fn invalid_cursor(why: &str) -> ApiError {
    ApiError::new(ErrorCode::InvalidCursor, why)
}

impl Wanted {
    fn page_query(&self, start: PageStart) -> PageQuery {
        PageQuery {
            order: self.order,
            start,
            since: self.range.from,
            until: self.range.to,
            limit: usize::try_from(self.limit).unwrap_or(usize::MAX),
        }
    }

    /// Reads on behind a message.
    fn cursor(&self, order: Order, message: &Record, key: &ConversationKey) -> Option<String> {
        let after = Position { timestamp: message.posted()?.timestamp, seq: message.seq };
        Some(Cursor { order, range: self.range, after }.encode(key))
    }

    /// Without a way on yet.
    fn response<'a>(&self, key: &'a ConversationKey, records: &'a [Record], total: u64) -> HistoryResponse<'a> {
        HistoryResponse {
            conversation_id: key.conversation.as_str(),
            messages: Messages(records),
            page: match self.start {
                Start::Page(paging) => Some(paging.page),
                Start::After(_) | Start::Around(_) => None,
            },
            total_pages: Paging { page: 1, limit: self.limit }.pages(total),
            limit: self.limit,
            total_messages: total,
            next_cursor: None,
            previous_cursor: None,
            preceding_messages: None,
        }
    }
}

#[derive(Serialize)]
struct HistoryResponse<'a> {
    conversation_id: &'a str,
    messages: Messages<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<u64>,
    total_pages: u64,
    limit: u64,
    total_messages: u64,
    next_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preceding_messages: Option<u64>,
}

struct Messages<'a>(&'a [Record]);

#[derive(Serialize)]
struct MessageResponse<'a> {
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

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().filter_map(|record| {
            let posted = record.posted()?;
            Some(MessageResponse {
                content: &posted.content,
                timestamp: posted.timestamp,
                user_id: &posted.user,
                seq: record.seq,
                message_id: posted.message_id.as_ref(),
                metadata: posted.metadata.as_ref(),
                edited_at: posted.edit.as_ref().map(|edit| edit.at),
            })
        }))
    }
}
