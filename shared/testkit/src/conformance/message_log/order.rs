//! The order of time, against sorting the whole conversation.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use shared::domain::{ConversationKey, EndReason, Record, RecordBody, Seq, Timestamp};
use shared::ports::{Append, Condition, Entry, MessageLog, Order, Page, PageQuery, PageStart, Position};

use crate::conformance::build::{append, at, batch, batch_at, draft, draft_at, fresh};

/// The backend under test.
type Log = Arc<dyn MessageLog>;

/// When all was received: between the timestamps, which often ascend through a whole batch.
const RECEIVED: i64 = 20;

/// What one conversation is made of: batches of timestamps, `None` for an end.
type Script = Vec<Vec<Option<i64>>>;

#[derive(Debug, Clone)]
struct Ask {
    order: Order,
    offset: u64,
    limit: usize,
    since: Option<i64>,
    until: Option<i64>,
    after: Option<(i64, u64)>,
}

fn scripts() -> impl Strategy<Value = Script> {
    let entry = prop_oneof![1 => Just(None), 9 => (0..30_i64).prop_map(Some)];
    let batch = (prop::collection::vec(entry, 1..40), any::<bool>());
    // Long ascending parts are what real batches are made of.
    let batch = batch.prop_map(|(mut entries, ascending)| {
        if ascending {
            entries.sort_unstable();
        }
        entries
    });
    prop::collection::vec(batch, 1..8)
}

fn asks(most: usize) -> impl Strategy<Value = Vec<Ask>> {
    let order = prop_oneof![Just(Order::Ascending), Just(Order::Descending)];
    let bound = || prop::option::of(-2..32_i64);
    let after = prop::option::of((-2..32_i64, 0..120_u64));
    let ask = (order, 0..160_u64, 1..20_usize, bound(), bound(), after);
    let ask =
        ask.prop_map(|(order, offset, limit, since, until, after)| Ask { order, offset, limit, since, until, after });
    prop::collection::vec(ask, 1..most)
}

async fn write(log: &Log, script: &Script) -> ConversationKey {
    let key = fresh();
    let batches = script.iter().map(|entries| {
        let entry = |time: &Option<i64>| match time {
            Some(millis) => Entry::Posted(draft_at("x", *millis)),
            None => Entry::Ended(EndReason::Idle),
        };
        Append { entries: entries.iter().map(entry).collect(), ..batch_at(&key, RECEIVED, vec![]) }
    });
    for outcome in log.append(batches.collect()).await {
        outcome.unwrap();
    }
    key
}

fn position(record: &Record) -> Position {
    Position { timestamp: record.posted().unwrap().timestamp, seq: record.seq }
}

/// What the port's words say, done the simplest way.
fn expected(all: &[Record], query: &PageQuery) -> Page {
    let within = |at: Timestamp| query.since.is_none_or(|s| at >= s) && query.until.is_none_or(|u| at <= u);
    let mut range: Vec<Record> =
        all.iter().filter(|r| r.posted().is_some_and(|posted| within(posted.timestamp))).cloned().collect();
    range.sort_by_key(position);
    let total = range.len() as u64;
    if query.order == Order::Descending {
        range.reverse();
    }
    let mut rest: Vec<Record> = match (query.start, query.order) {
        (PageStart::Offset(offset), _) => range.into_iter().skip(usize::try_from(offset).unwrap()).collect(),
        (PageStart::After(place), Order::Ascending) => range.into_iter().filter(|r| position(r) > place).collect(),
        (PageStart::After(place), Order::Descending) => range.into_iter().filter(|r| position(r) < place).collect(),
    };
    let more = rest.len() > query.limit;
    rest.truncate(query.limit);
    Page { records: rest, total, more }
}

async fn check(log: &Log, script: &Script, asks: &[Ask]) -> Result<(), TestCaseError> {
    let key = write(log, script).await;
    let all = log.read(&key, Seq(1), 10_000).await.unwrap();
    prop_assert_eq!(all.len(), script.iter().map(Vec::len).sum::<usize>());
    for ask in asks {
        let query = PageQuery {
            order: ask.order,
            start: match ask.after {
                Some((millis, seq)) => PageStart::After(Position { timestamp: at(millis), seq: Seq(seq) }),
                None => PageStart::Offset(ask.offset),
            },
            since: ask.since.map(at),
            until: ask.until.map(at),
            limit: ask.limit,
        };
        let page = log.page(&key, &query).await.unwrap().unwrap();
        prop_assert_eq!(page, expected(&all, &query), "{:?}", query);
        walk(log, &key, &all, query).await?;
    }
    Ok(())
}

/// Follows cursors from the first page on: every message of the range, once.
async fn walk(log: &Log, key: &ConversationKey, all: &[Record], query: PageQuery) -> Result<(), TestCaseError> {
    let whole = PageQuery { start: PageStart::Offset(0), limit: 10_000, ..query };
    let mut next = PageQuery { start: PageStart::Offset(0), ..query };
    let mut seen = Vec::new();
    loop {
        let page = log.page(key, &next).await.unwrap().unwrap();
        let last = page.records.last().map(position);
        seen.extend(page.records);
        let (true, Some(last)) = (page.more, last) else { break };
        next.start = PageStart::After(last);
    }
    prop_assert_eq!(seen, expected(all, &whole).records);
    Ok(())
}

pub async fn pages_and_cursors_agree_with_sorting(log: Log) {
    draw(log, 48, 40).await;
}

pub async fn some_pages_and_cursors_agree_with_sorting(log: Log) {
    draw(log, 4, 6).await;
}

async fn draw(log: Log, cases: u32, asks_of_each: usize) {
    let handle = tokio::runtime::Handle::current();
    let run = tokio::task::spawn_blocking(move || {
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        runner
            .run(&(scripts(), asks(asks_of_each)), |(script, asks)| handle.block_on(check(&log, &script, &asks)))
            .map_err(|failure| failure.to_string())
    });
    assert_eq!(run.await.unwrap(), Ok(()));
}

pub async fn late_is_told_from_newest_so_far(log: Log) {
    let key = fresh();
    let times = [5, 5, 4, 9, 8, 9, 10, 0];
    append(&*log, batch(&key, times.iter().map(|at| draft_at("x", *at)).collect())).await.unwrap();
    append(&*log, batch_at(&key, 7, vec![draft("received at 7, so late")])).await.unwrap();
    append(&*log, batch_at(&key, 70, vec![draft("received at 70")])).await.unwrap();
    let records = log.read(&key, Seq(1), 99).await.unwrap();
    let late: Vec<_> = records.iter().map(|r| r.posted().unwrap().late).collect();
    assert_eq!(late, [false, false, true, false, true, false, false, true, true, false]);
}

pub async fn a_long_run_of_late_messages_is_paged_through(log: Log) {
    let key = fresh();
    append(&*log, batch(&key, (0..50).map(|n| draft_at("first", 10_000 + n)).collect())).await.unwrap();
    let late = |n: i64| draft_at("late", 10_000 - n / 2 + (n % 3));
    append(&*log, batch(&key, (0..700).map(late).collect())).await.unwrap();
    let ended = Append { entries: vec![Entry::Ended(EndReason::Idle)], ..batch(&key, vec![]) };
    append(&*log, Append { condition: Condition::Open, ..ended }).await.unwrap();
    append(&*log, batch(&key, (0..50).map(|n| draft_at("last", 10_049 + n)).collect())).await.unwrap();
    let all = log.read(&key, Seq(1), 10_000).await.unwrap();
    assert!(matches!(all[750].body, RecordBody::Ended(EndReason::Idle)));
    for order in [Order::Ascending, Order::Descending] {
        let query = PageQuery { order, start: PageStart::Offset(0), since: None, until: None, limit: 37 };
        walk(&log, &key, &all, query).await.unwrap();
        for offset in [0, 1, 49, 300, 349, 350, 351, 399, 400, 700, 740, 799, 800, u64::MAX] {
            let query = PageQuery { start: PageStart::Offset(offset), ..query };
            let page = log.page(&key, &query).await.unwrap().unwrap();
            if offset == u64::MAX {
                assert_eq!((page.records.len(), page.total, page.more), (0, 800, false));
            } else {
                assert_eq!(page, expected(&all, &query), "{query:?}");
            }
        }
    }
}
