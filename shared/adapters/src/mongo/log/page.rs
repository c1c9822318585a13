//! Messages in order of time, by page or by cursor. Law: both ways show the same messages in the same order, at a
//! cost that does not grow with the conversation.
//!
//! A page of a conversation in order is a range of seqs. Else its first message is found by its rank: how many
//! messages of the range stand before it, which is a seq minus the asides before it plus the late messages before it.

use shared::domain::{ConversationKey, Record, Seq};
use shared::ports::{Order, Page, PageQuery, PageStart, Position, StoreError};

use super::records::Records;
use super::runs::Runs;
use crate::time_order::merge;

/// Where reading begins in both runs: the first seq, and the place of the first late message.
struct Start {
    seq: u64,
    late: Option<Position>,
}

/// One page. `None` if there is no such conversation.
pub(super) async fn page(
    records: &Records,
    key: &ConversationKey,
    query: &PageQuery,
) -> Result<Option<Page>, StoreError> {
    let Some(place) = records.head(key).await? else { return Ok(None) };
    let tail = place.tail;
    let runs = Runs::new(records, place, (query.since, query.until)).await?;
    let total = match (query.since, query.until) {
        (None, None) if tail.erasures == 0 => tail.seq - tail.others,
        _ => runs.count().await?,
    };
    let (records, more) = match (query.start, query.order) {
        (PageStart::Offset(offset), order) => by_offset(&runs, offset, order, query.limit, total).await?,
        (PageStart::After(place), Order::Ascending) => ascending(&runs, place, query.limit).await?,
        (PageStart::After(place), Order::Descending) => descending(&runs, place, query.limit).await?,
    };
    Ok(Some(Page { records, total, more }))
}

async fn by_offset(
    runs: &Runs<'_>,
    offset: u64,
    order: Order,
    limit: usize,
    total: u64,
) -> Result<(Vec<Record>, bool), StoreError> {
    let count = total.saturating_sub(offset).min(limit as u64);
    if count == 0 {
        return Ok((Vec::new(), false));
    }
    let rest = total - offset - count;
    let rank = match order {
        Order::Ascending => offset,
        Order::Descending => rest,
    };
    let start = at_rank(runs, rank).await?;
    let mut records = up(runs, &start, usize::try_from(count).unwrap_or(limit)).await?;
    if order == Order::Descending {
        records.reverse();
    }
    Ok((records, rest > 0))
}

async fn ascending(runs: &Runs<'_>, place: Position, limit: usize) -> Result<(Vec<Record>, bool), StoreError> {
    let behind = Position { seq: Seq(place.seq.0.saturating_add(1)), ..place };
    let start = Start { seq: runs.first_behind(place).await?, late: Some(behind.max(runs.start())) };
    let mut records = up(runs, &start, limit + 1).await?;
    let more = records.len() > limit;
    records.truncate(limit);
    Ok((records, more))
}

async fn descending(runs: &Runs<'_>, place: Position, limit: usize) -> Result<(Vec<Record>, bool), StoreError> {
    let place = place.min(runs.end());
    let behind = runs.first_behind(place).await?;
    // A record at the place itself is not before it.
    let end = if behind > runs.seqs.start && runs.position(behind - 1).await? == place { behind - 1 } else { behind };
    let in_order = runs.in_order_down(end, limit + 1).await?;
    let late = runs.late_down(place, limit + 1).await?;
    let mut records = merge(in_order, late, limit + 1, |a, b| a > b);
    let more = records.len() > limit;
    records.truncate(limit);
    Ok((records, more))
}

/// Where the message stands that has `rank` messages of the range before it.
async fn at_rank(runs: &Runs<'_>, rank: u64) -> Result<Start, StoreError> {
    let above = runs.first_above(rank).await?;
    if above == runs.seqs.start {
        return Ok(Start { seq: above, late: runs.late_place(runs.start(), rank).await? });
    }
    let (seq, place) = (above - 1, runs.position(above - 1).await?);
    let skip = rank - runs.rank(seq).await?;
    if skip == 0 {
        return Ok(Start { seq, late: runs.late_place(place, 0).await? });
    }
    // The record at `seq` is passed too; what else is skipped before the next one is late.
    let passed = runs.count_in_order(seq..seq + 1).await?;
    Ok(Start { seq: seq + 1, late: runs.late_place(place, skip - passed).await? })
}

async fn up(runs: &Runs<'_>, start: &Start, limit: usize) -> Result<Vec<Record>, StoreError> {
    let in_order = runs.in_order_up(start.seq, limit).await?;
    let late = match start.late {
        Some(place) => runs.late_up(place, limit).await?,
        None => Vec::new(),
    };
    Ok(merge(in_order, late, limit, |a, b| a < b))
}
