//! The page around one message: what is before it, the message, what comes after. Law: it costs the same wherever
//! the message stands, and the message is on the page or the answer is 404.

use shared::domain::{ConversationKey, Record, Seq, Timestamp};
use shared::error_code::ErrorCode;
use shared::ports::{Order, Page, PageQuery, PageStart, Position};
use shared_service::{ApiError, ApiResult};

use super::{Query, conversation_not_found};

/// A part of a conversation with one message in its middle, oldest first.
#[derive(Debug)]
pub struct Around {
    /// The messages.
    pub records: Vec<Record>,
    /// How many messages stand before the first of them, in the order of time.
    pub before: u64,
    /// How many messages the conversation holds.
    pub total: u64,
    /// Whether older ones precede.
    pub older: bool,
    /// Whether newer ones follow.
    pub newer: bool,
}

impl Query {
    /// At most `limit` messages around the one at `seq`: half of them before it where there are as many.
    pub(super) async fn around(&self, key: &ConversationKey, seq: Seq, limit: usize) -> ApiResult<Around> {
        let place = self.place(key, seq).await?;
        let half = limit / 2;
        let mut older = if half == 0 {
            Page { records: Vec::new(), total: 0, more: true }
        } else {
            self.page(key, &from(place, Order::Descending, half)).await?
        };
        // Behind the seq before it: the message itself comes first.
        let itself = Position { seq: Seq(seq.0.saturating_sub(1)), ..place };
        let newer = self.page(key, &from(itself, Order::Ascending, limit - half)).await?;
        older.records.reverse();
        let mut records = older.records;
        records.extend(newer.records);
        let Some(first) = records.first().and_then(position) else { return Err(message_not_found(seq)) };
        let before = self.before(key, first).await?;
        Ok(Around { records, before, total: newer.total, older: before > 0, newer: newer.more })
    }

    async fn place(&self, key: &ConversationKey, seq: Seq) -> ApiResult<Position> {
        let found = self.log.records(&[(key.clone(), seq)]).await?;
        if let Some(place) = found.first().and_then(Option::as_ref).and_then(position) {
            return Ok(place);
        }
        self.head(key).await?;
        Err(message_not_found(seq))
    }

    async fn page(&self, key: &ConversationKey, query: &PageQuery) -> ApiResult<Page> {
        self.log.page(key, query).await?.ok_or_else(conversation_not_found)
    }

    /// How many messages stand before a place: all of earlier time, and those of the same moment by halves.
    async fn before(&self, key: &ConversationKey, place: Position) -> ApiResult<u64> {
        let moment = place.timestamp;
        let earlier = match moment.as_millis().checked_sub(1).map(Timestamp::from_millis) {
            Some(until) if until >= Timestamp::MIN => self.page(key, &within(None, until, 0)).await?.total,
            _ => 0,
        };
        let first = self.page(key, &within(Some(moment), moment, 0)).await?;
        let (mut low, mut high) = (0, first.total.saturating_sub(1));
        while low < high {
            let middle = low + (high - low) / 2;
            let page = self.page(key, &within(Some(moment), moment, middle)).await?;
            match page.records.first() {
                Some(record) if record.seq < place.seq => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(earlier + low)
    }
}

fn position(record: &Record) -> Option<Position> {
    record.posted().map(|posted| Position { timestamp: posted.timestamp, seq: record.seq })
}

fn from(place: Position, order: Order, limit: usize) -> PageQuery {
    PageQuery { order, start: PageStart::After(place), since: None, until: None, limit }
}

/// One message, `skip` behind the first one of a range of time.
fn within(since: Option<Timestamp>, until: Timestamp, skip: u64) -> PageQuery {
    let start = PageStart::Offset(skip);
    PageQuery { order: Order::Ascending, start, since, until: Some(until), limit: 1 }
}

fn message_not_found(seq: Seq) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("there is no message {} in this conversation", seq.0))
}
