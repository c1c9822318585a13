//! The two sorted runs of a conversation: messages in time order, by seq, and late ones, by timestamp.
//! Law: every step reads or counts through an index, and a count never leaves the part that is still in question.

use rusqlite::{Connection, OptionalExtension as _, params};
use shared::domain::{Record, Seq, Timestamp};
use shared::ports::Position;

use super::rows::{RECORD, number, record, stored};

/// So many asides in a row are read over; a longer run of them is jumped.
const READ_OVER: u64 = 32;

/// The part of a conversation that a page is taken from.
pub(super) struct Runs<'c> {
    connection: &'c Connection,
    conversation: i64,
    /// Records in this range of seqs, and late messages in this range of time.
    pub(super) seqs: std::ops::Range<u64>,
    pub(super) times: (Timestamp, Timestamp),
}

impl<'c> Runs<'c> {
    /// All records up to `last`, narrowed to a range of time, both ends included.
    pub(super) fn new(
        connection: &'c Connection,
        conversation: i64,
        last: u64,
        (since, until): (Option<Timestamp>, Option<Timestamp>),
    ) -> rusqlite::Result<Self> {
        let times = (since.unwrap_or(Timestamp::MIN), until.unwrap_or(Timestamp::MAX));
        let mut runs = Self { connection, conversation, seqs: 1..last + 1, times };
        if let Some(since) = since {
            runs.seqs.start = runs.first_behind(Position { timestamp: since, seq: Seq::ZERO })?;
        }
        if let Some(until) = until {
            runs.seqs.end = runs.first_behind(Position { timestamp: until, seq: Seq(u64::MAX) })?;
        }
        Ok(runs)
    }

    /// Before everything in the range.
    pub(super) fn start(&self) -> Position {
        Position { timestamp: self.times.0, seq: Seq::ZERO }
    }

    /// Behind everything in the range.
    pub(super) fn end(&self) -> Position {
        Position { timestamp: self.times.1, seq: Seq(u64::MAX) }
    }

    /// Where a record stands in time: a message in order by itself, any other by the newest message before it.
    pub(super) fn position(&self, seq: u64) -> rusqlite::Result<Position> {
        let newest = self
            .connection
            .prepare_cached("SELECT newest FROM records WHERE conversation = ?1 AND seq = ?2")?
            .query_row((self.conversation, stored(seq)), |row| row.get(0))?;
        Ok(Position { timestamp: Timestamp::from_millis(newest), seq: Seq(seq) })
    }

    /// The first record of the range that stands behind a place.
    pub(super) fn first_behind(&self, place: Position) -> rusqlite::Result<u64> {
        if self.seqs.contains(&place.seq.0) && self.position(place.seq.0)? == place {
            return Ok(place.seq.0 + 1);
        }
        let (mut low, mut high) = (self.seqs.start, self.seqs.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.position(middle)? > place {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    /// Whether all records of the conversation are messages in order: then a rank is a seq.
    pub(super) fn without_asides(&self) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached(
                "SELECT NOT EXISTS (SELECT 1 FROM records INDEXED BY asides WHERE conversation = ?1 AND kind > 0)",
            )?
            .query_row([self.conversation], |row| row.get(0))
    }

    /// How many messages in order there are in a range of seqs.
    pub(super) fn count_in_order(&self, seqs: std::ops::Range<u64>) -> rusqlite::Result<u64> {
        if seqs.is_empty() {
            return Ok(0);
        }
        let asides = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM records INDEXED BY asides
                 WHERE conversation = ?1 AND seq >= ?2 AND seq < ?3 AND kind > 0",
            )?
            .query_row((self.conversation, stored(seqs.start), stored(seqs.end)), |row| number(row, 0))?;
        Ok(seqs.end - seqs.start - asides)
    }

    /// How many late messages stand at `from` or behind and before `to`; counts no further than `most`.
    pub(super) fn count_late(&self, from: Position, to: Position, most: u64) -> rusqlite::Result<u64> {
        self.connection
            .prepare_cached(
                "SELECT count(*) FROM (SELECT 1 FROM records INDEXED BY late
                 WHERE conversation = ?1 AND kind = 1 AND (late_at, seq) >= (?2, ?3) AND (late_at, seq) < (?4, ?5)
                 LIMIT ?6)",
            )?
            .query_row(
                params![
                    self.conversation,
                    from.timestamp.as_millis(),
                    stored(from.seq.0),
                    to.timestamp.as_millis(),
                    stored(to.seq.0),
                    stored(most)
                ],
                |row| number(row, 0),
            )
    }

    /// The place of the late message `skip` behind the first one at `from` or behind.
    pub(super) fn late_place(&self, from: Position, skip: u64) -> rusqlite::Result<Option<Position>> {
        self.connection
            .prepare_cached(
                "SELECT late_at, seq FROM records INDEXED BY late
                 WHERE conversation = ?1 AND kind = 1 AND (late_at, seq) >= (?2, ?3)
                 ORDER BY late_at, seq LIMIT 1 OFFSET ?4",
            )?
            .query_row((self.conversation, from.timestamp.as_millis(), stored(from.seq.0), stored(skip)), |row| {
                Ok(Position { timestamp: Timestamp::from_millis(row.get(0)?), seq: Seq(number(row, 1)?) })
            })
            .optional()
    }

    /// Late messages at `from` or behind, ascending.
    pub(super) fn late_up(&self, from: Position, limit: usize) -> rusqlite::Result<Vec<Record>> {
        let sql = format!(
            "SELECT {RECORD} FROM records INDEXED BY late WHERE conversation = ?1 AND kind = 1
             AND (late_at, seq) >= (?2, ?3) AND late_at <= ?4 ORDER BY late_at, seq LIMIT ?5"
        );
        self.late(&sql, from, self.times.1, limit)
    }

    /// Late messages before `to`, descending.
    pub(super) fn late_down(&self, to: Position, limit: usize) -> rusqlite::Result<Vec<Record>> {
        let sql = format!(
            "SELECT {RECORD} FROM records INDEXED BY late WHERE conversation = ?1 AND kind = 1
             AND (late_at, seq) < (?2, ?3) AND late_at >= ?4 ORDER BY late_at DESC, seq DESC LIMIT ?5"
        );
        self.late(&sql, to, self.times.0, limit)
    }

    fn late(&self, sql: &str, place: Position, bound: Timestamp, limit: usize) -> rusqlite::Result<Vec<Record>> {
        let (at, seq) = (place.timestamp.as_millis(), stored(place.seq.0));
        let mut statement = self.connection.prepare_cached(sql)?;
        let records =
            statement.query_map((self.conversation, at, seq, bound.as_millis(), stored(limit as u64)), record)?;
        records.collect()
    }

    /// Messages in order from `first` on, ascending.
    pub(super) fn in_order_up(&self, first: u64, limit: usize) -> rusqlite::Result<Vec<Record>> {
        let sql = format!(
            "SELECT {RECORD}, run FROM records WHERE conversation = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = Vec::with_capacity(limit.min(1024));
        let mut from = first.max(self.seqs.start);
        while found.len() < limit && from < self.seqs.end {
            let mut rows = statement.query((self.conversation, stored(from), stored(self.seqs.end)))?;
            let mut asides = 0;
            from = loop {
                if found.len() == limit {
                    break self.seqs.end;
                }
                let Some(row) = rows.next()? else { break self.seqs.end };
                let run: Option<i64> = row.get(11)?;
                let Some(run) = run else {
                    asides = 0;
                    found.push(record(row)?);
                    continue;
                };
                asides += 1;
                if asides == READ_OVER {
                    break self.behind_asides(number(row, 0)?, run)?;
                }
            };
        }
        Ok(found)
    }

    /// Messages in order before `end`, descending.
    pub(super) fn in_order_down(&self, end: u64, limit: usize) -> rusqlite::Result<Vec<Record>> {
        let sql = format!(
            "SELECT {RECORD}, run FROM records WHERE conversation = ?1 AND seq >= ?2 AND seq < ?3 ORDER BY seq DESC"
        );
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = Vec::with_capacity(limit.min(1024));
        let mut to = end.min(self.seqs.end);
        while found.len() < limit && to > self.seqs.start {
            let mut rows = statement.query((self.conversation, stored(self.seqs.start), stored(to)))?;
            to = loop {
                if found.len() == limit {
                    break self.seqs.start;
                }
                let Some(row) = rows.next()? else { break self.seqs.start };
                let run: Option<i64> = row.get(11)?;
                let Some(run) = run else {
                    found.push(record(row)?);
                    continue;
                };
                let run = u64::try_from(run).unwrap_or(0);
                if run + READ_OVER < number(row, 0)? {
                    break run;
                }
            };
        }
        Ok(found)
    }

    /// The first record behind the asides that begin at `run` and hold `seq`: all of them name that beginning.
    fn behind_asides(&self, seq: u64, run: i64) -> rusqlite::Result<u64> {
        let (mut inside, mut step) = (seq, READ_OVER);
        while inside + step < self.seqs.end && self.run(inside + step)? == Some(run) {
            inside += step;
            step *= 2;
        }
        let mut outside = (inside + step).min(self.seqs.end);
        while inside + 1 < outside {
            let middle = inside + (outside - inside) / 2;
            if self.run(middle)? == Some(run) {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        Ok(outside)
    }

    fn run(&self, seq: u64) -> rusqlite::Result<Option<i64>> {
        self.connection
            .prepare_cached("SELECT run FROM records WHERE conversation = ?1 AND seq = ?2")?
            .query_row((self.conversation, stored(seq)), |row| row.get(0))
    }
}
