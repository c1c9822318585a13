//! Messages in order of time, by page or by cursor. Law: both ways show the same messages in the same order, at a
//! cost that does not grow with the conversation.
//!
//! A page's first message is found by its rank: how many messages of the range stand before it, which is a seq minus
//! the asides before it plus the late messages before it. That never falls with seq, so it is searched by halves.

use rusqlite::Connection;
use shared::domain::{ConversationKey, Record, Seq};
use shared::ports::{Order, Page, PageQuery, PageStart, Position};

use super::rows;
use super::runs::Runs;
use crate::time_order::merge;

/// Where reading begins in both runs: the first seq, and the place of the first late message.
struct Start {
    seq: u64,
    late: Option<Position>,
}

/// One page. `None` if there is no such conversation.
pub(super) fn page(
    connection: &Connection,
    key: &ConversationKey,
    query: &PageQuery,
) -> rusqlite::Result<Option<Page>> {
    let Some(conversation) = rows::conversation(connection, key)? else { return Ok(None) };
    let Some(tail) = rows::tail(connection, conversation)? else { return Ok(None) };
    let runs = Runs::new(connection, conversation, tail.seq, (query.since, query.until))?;
    let total = match (query.since, query.until) {
        (None, None) => tail.seq - tail.others,
        _ => runs.count_in_order(runs.seqs.clone())? + runs.count_late(runs.start(), runs.end(), u64::MAX)?,
    };
    let (records, more) = match (query.start, query.order) {
        (PageStart::Offset(offset), order) => by_offset(&runs, offset, order, query.limit, total)?,
        (PageStart::After(place), Order::Ascending) => ascending(&runs, place, query.limit)?,
        (PageStart::After(place), Order::Descending) => descending(&runs, place, query.limit)?,
    };
    Ok(Some(Page { records, total, more }))
}

fn by_offset(
    runs: &Runs<'_>,
    offset: u64,
    order: Order,
    limit: usize,
    total: u64,
) -> rusqlite::Result<(Vec<Record>, bool)> {
    let count = total.saturating_sub(offset).min(limit as u64);
    if count == 0 {
        return Ok((Vec::new(), false));
    }
    let rest = total - offset - count;
    let rank = match order {
        Order::Ascending => offset,
        Order::Descending => rest,
    };
    let start = at_rank(runs, rank)?;
    let mut records = up(runs, &start, usize::try_from(count).unwrap_or(limit))?;
    if order == Order::Descending {
        records.reverse();
    }
    Ok((records, rest > 0))
}

fn ascending(runs: &Runs<'_>, place: Position, limit: usize) -> rusqlite::Result<(Vec<Record>, bool)> {
    let behind = Position { seq: Seq(place.seq.0.saturating_add(1)), ..place };
    let start = Start { seq: runs.first_behind(place)?, late: Some(behind.max(runs.start())) };
    let mut records = up(runs, &start, limit + 1)?;
    let more = records.len() > limit;
    records.truncate(limit);
    Ok((records, more))
}

fn descending(runs: &Runs<'_>, place: Position, limit: usize) -> rusqlite::Result<(Vec<Record>, bool)> {
    let place = place.min(runs.end());
    let behind = runs.first_behind(place)?;
    // A record at the place itself is not before it.
    let end = if behind > runs.seqs.start && runs.position(behind - 1)? == place { behind - 1 } else { behind };
    let in_order = runs.in_order_down(end, limit + 1)?;
    let late = runs.late_down(place, limit + 1)?;
    let mut records = merge(in_order, late, limit + 1, |a, b| a > b);
    let more = records.len() > limit;
    records.truncate(limit);
    Ok((records, more))
}

/// Where the message stands that has `rank` messages of the range before it.
fn at_rank(runs: &Runs<'_>, rank: u64) -> rusqlite::Result<Start> {
    if runs.without_asides()? {
        return Ok(Start { seq: runs.seqs.start + rank, late: None });
    }
    let mut base = (runs.seqs.start, runs.start(), 0);
    let mut found = false;
    let (mut low, mut high) = (runs.seqs.start, runs.seqs.end);
    while low < high {
        let middle = low + (high - low) / 2;
        let place = runs.position(middle)?;
        let (seq, from, before) = base;
        let mut here = before + runs.count_in_order(seq..middle)?;
        if here <= rank {
            here += runs.count_late(from, place, rank - here + 1)?;
        }
        if here <= rank {
            base = (middle, place, here);
            found = true;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let (seq, place, before) = base;
    let skip = rank - before;
    if !found || skip == 0 {
        return Ok(Start { seq, late: runs.late_place(place, skip)? });
    }
    // The record at `seq` is passed too; what else is skipped before the next one is late.
    let passed = runs.count_in_order(seq..seq + 1)?;
    Ok(Start { seq: seq + 1, late: runs.late_place(place, skip - passed)? })
}

fn up(runs: &Runs<'_>, start: &Start, limit: usize) -> rusqlite::Result<Vec<Record>> {
    let in_order = runs.in_order_up(start.seq, limit)?;
    let late = match start.late {
        Some(place) => runs.late_up(place, limit)?,
        None => Vec::new(),
    };
    Ok(merge(in_order, late, limit, |a, b| a < b))
}
