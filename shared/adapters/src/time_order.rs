//! The order of time: two sorted runs of messages, those in order and the late ones, made one. Law: pure; by
//! timestamp, then by seq.

use shared::domain::Record;
use shared::ports::Position;

/// The first `limit` records of both runs; `first` tells whether a record of the first run goes before one of the
/// second.
pub(crate) fn merge(
    in_order: Vec<Record>,
    late: Vec<Record>,
    limit: usize,
    first: impl Fn(Option<Position>, Option<Position>) -> bool,
) -> Vec<Record> {
    if late.is_empty() {
        return in_order;
    }
    let mut merged = Vec::with_capacity(limit.min(in_order.len() + late.len()));
    let (mut in_order, mut late) = (in_order.into_iter().peekable(), late.into_iter().peekable());
    while merged.len() < limit {
        let next = match (in_order.peek(), late.peek()) {
            (Some(a), Some(b)) if first(position(a), position(b)) => in_order.next(),
            (_, Some(_)) => late.next(),
            (Some(_), None) => in_order.next(),
            (None, None) => break,
        };
        merged.extend(next);
    }
    merged
}

/// Where a message stands.
pub(crate) fn position(record: &Record) -> Option<Position> {
    record.posted().map(|posted| Position { timestamp: posted.timestamp, seq: record.seq })
}
