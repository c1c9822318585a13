//! The two sorted runs of a conversation: messages in time order, by seq, and late ones, by timestamp.
//! Law: every step reads through an index, and asks for several places at once.
//!
//! Each record counts the asides (late messages, ends, tombstones) up to it. So how many messages in order stand
//! before a seq is known from one record, and what never falls with seq is searched by parts. Messages that were erased
//! since are counted by an index of their own, in conversations that have any.

use std::collections::HashMap;
use std::ops::Range;

use futures_util::StreamExt as _;
use mongodb::bson::{Document, doc};
use parking_lot::Mutex;
use shared::domain::{Record, Seq, Timestamp};
use shared::ports::{Position, StoreError};

use super::super::db::Finding;
use super::super::failure::missing;
use super::super::fields::bytes;
use super::super::place::{Cid, split, split_late};
use super::super::schema::{MESSAGES, between};
use super::document::Stored;
use super::heads::Place;
use super::records::Records;
use super::tail::{Kind, Tail};

/// Records asked for at once in a search.
const PROBES: u64 = 15;
/// So many late messages are known by heart for a page; more are counted by the server.
const KNOWN: u64 = 1_000;
/// So many asides in a row are read over; a longer run of them is jumped.
const READ_OVER: u64 = 32;

/// The part of a conversation that a page is taken from.
pub(super) struct Runs<'r> {
    records: &'r Records,
    cid: Cid,
    /// The last record.
    tail: Tail,
    /// Records in this range of seqs, and late messages in this range of time.
    pub(super) seqs: Range<u64>,
    times: (Timestamp, Timestamp),
    /// Places of all late messages, if they are few.
    late: Option<Vec<Position>>,
    seen: Mutex<HashMap<u64, Tail>>,
    /// Places of messages in order that were erased, if they are few.
    gone: Option<Vec<u64>>,
}

/// What is looked for: the first record for which it holds.
#[derive(Debug, Clone, Copy)]
enum Test {
    /// It stands behind a place.
    Behind(Position),
    /// So many messages in order go up to it.
    InOrder(u64),
    /// More than `rank` messages of the range go before it, where `base` in order stand before the range.
    Above { rank: u64, base: u64 },
}

impl<'r> Runs<'r> {
    /// All records, narrowed to a range of time, both ends included.
    pub(super) async fn new(
        records: &'r Records,
        place: Place,
        (since, until): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Self, StoreError> {
        let (cid, tail) = (place.cid, place.tail);
        let times = (since.unwrap_or(Timestamp::MIN), until.unwrap_or(Timestamp::MAX));
        let seen = Mutex::new(HashMap::from([(tail.seq, tail)]));
        let mut runs =
            Self { records, cid, tail, seqs: 1..tail.seq + 1, times, late: None, seen, gone: Some(Vec::new()) };
        if tail.lates <= KNOWN {
            runs.late = Some(runs.all_late().await?);
        }
        if tail.erasures > 0 {
            runs.gone = runs.all_gone().await?;
        }
        if let Some(since) = since {
            runs.seqs.start = runs.first_behind(Position { timestamp: since, seq: Seq::ZERO }).await?;
        }
        if let Some(until) = until {
            runs.seqs.end = runs.first_behind(Position { timestamp: until, seq: Seq(u64::MAX) }).await?;
        }
        Ok(runs)
    }

    async fn all_late(&self) -> Result<Vec<Position>, StoreError> {
        if self.tail.lates == 0 {
            return Ok(Vec::new());
        }
        let finding = Finding::sorted(doc! { "late": 1 }, 0).only(doc! { "_id": 0, "late": 1 });
        let ends = (self.cid.late(Timestamp::MIN, 0), self.cid.late(Timestamp::MAX, u64::MAX));
        let filter = doc! { "late": { "$gte": ends.0, "$lte": ends.1 } };
        let found = self.records.db.find("late", MESSAGES, filter, finding).await?;
        let mut places = Vec::with_capacity(found.len());
        for document in &found {
            let (timestamp, seq) =
                split_late(bytes(document, "late")?).ok_or_else(|| missing("a late message's place"))?;
            if seq <= self.tail.seq {
                places.push(Position { timestamp, seq: Seq(seq) });
            }
        }
        Ok(places)
    }

    async fn all_gone(&self) -> Result<Option<Vec<u64>>, StoreError> {
        let most = index(KNOWN);
        let finding = Finding::sorted(doc! { "gone": 1 }, most + 1).only(doc! { "_id": 0, "gone": 1 });
        let found = self.records.db.find("gone", MESSAGES, self.gone_filter(u64::MAX), finding).await?;
        if found.len() > most {
            return Ok(None);
        }
        let seq = |document| Ok(split(bytes(document, "gone")?).ok_or_else(|| missing("a place"))?.1);
        found.iter().map(|document| seq(document)).collect::<Result<_, StoreError>>().map(Some)
    }

    fn gone_filter(&self, last: u64) -> Document {
        doc! { "gone": { "$gte": self.cid.record(1), "$lte": self.cid.record(last) } }
    }

    /// How many messages in order up to a seq were erased.
    async fn gone_up_to(&self, seq: u64) -> Result<u64, StoreError> {
        match &self.gone {
            Some(gone) => Ok(gone.partition_point(|gone| *gone <= seq) as u64),
            None => Ok(self.records.db.count("gone", MESSAGES, self.gone_filter(seq), None).await?),
        }
    }

    /// How many messages in order there are up to a record, itself included.
    async fn in_order_up_to(&self, tail: &Tail) -> Result<u64, StoreError> {
        let ever = tail.seq.saturating_sub(tail.others + tail.lates);
        Ok(ever.saturating_sub(self.gone_up_to(tail.seq).await?))
    }

    /// How many messages there are in the range.
    pub(super) async fn count(&self) -> Result<u64, StoreError> {
        let in_order = self.count_in_order(self.seqs.clone()).await?;
        Ok(in_order + self.count_late(self.start(), self.end()).await?)
    }

    /// Before everything in the range.
    pub(super) fn start(&self) -> Position {
        Position { timestamp: self.times.0, seq: Seq::ZERO }
    }

    /// Behind everything in the range.
    pub(super) fn end(&self) -> Position {
        Position { timestamp: self.times.1, seq: Seq(u64::MAX) }
    }

    /// What records say of themselves; they must be there.
    async fn tails(&self, seqs: &[u64]) -> Result<Vec<Tail>, StoreError> {
        let unknown: Vec<_> = {
            let seen = self.seen.lock();
            seqs.iter().filter(|seq| !seen.contains_key(seq)).map(|seq| self.cid.record(*seq)).collect()
        };
        if !unknown.is_empty() {
            let found =
                self.records.skeletons("search", doc! { "_id": { "$in": unknown } }, Finding::default()).await?;
            self.seen.lock().extend(found.into_iter().map(|record| (record.seq(), record.tail)));
        }
        let seen = self.seen.lock();
        seqs.iter().map(|seq| seen.get(seq).copied().ok_or_else(|| missing("a record"))).collect()
    }

    /// Where a record stands in time: a message in order by itself, any other by the newest message before it.
    pub(super) async fn position(&self, seq: u64) -> Result<Position, StoreError> {
        let tails = self.tails(&[seq]).await?;
        tails.first().map(position).ok_or_else(|| missing("a record"))
    }

    /// The first seq of a range from which on the test holds; it holds for all behind the first that it holds for.
    async fn search(&self, range: Range<u64>, test: Test) -> Result<u64, StoreError> {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let probes = spread(low..high);
            let tails = self.tails(&probes).await?;
            let holds = self.holds(&tails, test).await?;
            match holds.iter().position(|holds| *holds) {
                Some(0) => high = probes[0],
                Some(place) => (low, high) = (probes[place - 1] + 1, probes[place]),
                None => low = probes.last().map_or(high, |last| last + 1),
            }
        }
        Ok(low)
    }

    async fn holds(&self, tails: &[Tail], test: Test) -> Result<Vec<bool>, StoreError> {
        let mut looks = Vec::with_capacity(tails.len());
        for tail in tails {
            looks.push(async move {
                Ok(match test {
                    Test::Behind(place) => position(tail) > place,
                    Test::InOrder(count) => self.in_order_up_to(tail).await? >= count,
                    Test::Above { rank, base } => self.before(tail).await?.saturating_sub(base) > rank,
                })
            });
        }
        let holds: Vec<_> = futures_util::stream::iter(looks).buffered(tails.len().max(1)).collect().await;
        holds.into_iter().collect()
    }

    /// How many messages stand before a record: those in order, and late ones of the range.
    async fn before(&self, tail: &Tail) -> Result<u64, StoreError> {
        let in_order = self.in_order_up_to(tail).await?.saturating_sub(u64::from(tail.kind == Kind::Message));
        Ok(in_order + self.count_late(self.start(), position(tail)).await?)
    }

    /// The first record of the range that stands behind a place.
    pub(super) async fn first_behind(&self, place: Position) -> Result<u64, StoreError> {
        self.search(self.seqs.clone(), Test::Behind(place)).await
    }

    /// How many messages in order have a lower seq.
    async fn in_order_before(&self, seq: u64) -> Result<u64, StoreError> {
        if seq <= 1 {
            return Ok(0);
        }
        let tails = self.tails(&[seq - 1]).await?;
        match tails.first() {
            Some(tail) => self.in_order_up_to(tail).await,
            None => Ok(0),
        }
    }

    /// How many messages in order there are in a range of seqs.
    pub(super) async fn count_in_order(&self, seqs: Range<u64>) -> Result<u64, StoreError> {
        if seqs.is_empty() {
            return Ok(0);
        }
        Ok(self.in_order_before(seqs.end).await?.saturating_sub(self.in_order_before(seqs.start).await?))
    }

    /// How many late messages stand at `from` or behind and before `to`.
    pub(super) async fn count_late(&self, from: Position, to: Position) -> Result<u64, StoreError> {
        if let Some(late) = &self.late {
            let before = |place: Position| late.partition_point(|known| *known < place);
            return Ok(before(to).saturating_sub(before(from)) as u64);
        }
        if from >= to {
            return Ok(0);
        }
        let range = doc! { "$gte": self.late_key(from), "$lt": self.late_key(to) };
        Ok(self.records.db.count("late", MESSAGES, self.late_filter(range), None).await?)
    }

    /// The first record behind those that have at most `rank` messages of the range before them.
    pub(super) async fn first_above(&self, rank: u64) -> Result<u64, StoreError> {
        let base = self.in_order_before(self.seqs.start).await?;
        self.search(self.seqs.clone(), Test::Above { rank, base }).await
    }

    /// How many messages of the range stand before a record.
    pub(super) async fn rank(&self, seq: u64) -> Result<u64, StoreError> {
        let in_order = self.count_in_order(self.seqs.start..seq).await?;
        Ok(in_order + self.count_late(self.start(), self.position(seq).await?).await?)
    }

    /// The place of the late message `skip` behind the first one at `from` or behind.
    pub(super) async fn late_place(&self, from: Position, skip: u64) -> Result<Option<Position>, StoreError> {
        if let Some(late) = &self.late {
            let first = late.partition_point(|known| *known < from);
            return Ok(late.get(first.saturating_add(index(skip))).copied());
        }
        let finding = Finding { skip, ..Finding::sorted(doc! { "late": 1 }, 1) }.only(doc! { "_id": 0, "late": 1 });
        let range = doc! { "$gte": self.late_key(from), "$lte": self.late_key(self.end()) };
        let found = self.records.db.find("late", MESSAGES, self.late_filter(range), finding).await?;
        let Some(document) = found.first() else { return Ok(None) };
        let place = split_late(bytes(document, "late")?).ok_or_else(|| missing("a late message's place"))?;
        Ok(Some(Position { timestamp: place.0, seq: Seq(place.1) }))
    }

    /// Late messages at `from` or behind, ascending.
    pub(super) async fn late_up(&self, from: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        let range = doc! { "$gte": self.late_key(from), "$lte": self.late_key(self.end()) };
        self.late(range, 1, limit).await
    }

    /// Late messages before `to`, descending.
    pub(super) async fn late_down(&self, to: Position, limit: usize) -> Result<Vec<Record>, StoreError> {
        let range = doc! { "$gte": self.late_key(self.start()), "$lt": self.late_key(to) };
        self.late(range, -1, limit).await
    }

    async fn late(&self, range: Document, order: i32, limit: usize) -> Result<Vec<Record>, StoreError> {
        if self.tail.lates == 0 || limit == 0 {
            return Ok(Vec::new());
        }
        let finding = Finding::sorted(doc! { "late": order }, limit);
        self.read(self.late_filter(range), finding).await
    }

    fn late_key(&self, place: Position) -> mongodb::bson::Binary {
        self.cid.late(place.timestamp, place.seq.0)
    }

    /// Records behind the last one that counts are left out.
    fn late_filter(&self, range: Document) -> Document {
        doc! { "late": range, "_id": { "$lte": self.cid.record(self.tail.seq) } }
    }

    /// Messages in order from `first` on, ascending.
    pub(super) async fn in_order_up(&self, first: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut found = Vec::with_capacity(limit.min(1024));
        let mut from = first.max(self.seqs.start);
        while found.len() < limit && from < self.seqs.end {
            let rest = limit - found.len();
            let to = from.saturating_add(rest as u64 + READ_OVER).min(self.seqs.end);
            let part = self.in_order(from..to, 1, rest).await?;
            from = if part.is_empty() && to < self.seqs.end {
                let before = self.in_order_before(to).await?;
                self.search(to..self.seqs.end, Test::InOrder(before + 1)).await?
            } else {
                to
            };
            found.extend(part);
        }
        Ok(found)
    }

    /// Messages in order before `end`, descending.
    pub(super) async fn in_order_down(&self, end: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut found = Vec::with_capacity(limit.min(1024));
        let mut to = end.min(self.seqs.end);
        while found.len() < limit && to > self.seqs.start {
            let rest = limit - found.len();
            let from = to.saturating_sub(rest as u64 + READ_OVER).max(self.seqs.start);
            let part = self.in_order(from..to, -1, rest).await?;
            to = if part.is_empty() && from > self.seqs.start {
                let before = self.in_order_before(from).await?;
                let last = self.search(self.seqs.start..from, Test::InOrder(before)).await?;
                (last + 1).min(from)
            } else {
                from
            };
            found.extend(part);
        }
        Ok(found)
    }

    async fn in_order(&self, seqs: Range<u64>, order: i32, limit: usize) -> Result<Vec<Record>, StoreError> {
        let mut filter = between(self.cid.record(seqs.start), self.cid.record(seqs.end - 1));
        filter.insert("k", doc! { "$exists": false });
        self.read(filter, Finding::sorted(doc! { "_id": order }, limit)).await
    }

    async fn read(&self, filter: Document, finding: Finding) -> Result<Vec<Record>, StoreError> {
        let found = self.records.find("page", filter, finding).await?;
        found.iter().map(|document| Stored::read(document)?.record()).collect()
    }
}

fn position(tail: &Tail) -> Position {
    Position { timestamp: tail.newest, seq: Seq(tail.seq) }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Seqs that cut a range into parts of about one size; all of them if they are few.
fn spread(range: Range<u64>) -> Vec<u64> {
    let length = range.end - range.start;
    if length <= PROBES {
        return range.collect();
    }
    let step = |probe: u64| {
        let offset = u128::from(length) * u128::from(probe) / u128::from(PROBES + 1);
        range.start + u64::try_from(offset).unwrap_or(0)
    };
    (1..=PROBES).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_lie_in_the_range_and_ascend() {
        assert!(spread(3..3).is_empty());
        assert_eq!(spread(3..6), [3, 4, 5]);
        for length in [16, 17, 1000, u64::MAX - 3] {
            let probes = spread(3..3 + length);
            assert_eq!(probes.len(), 15);
            assert!(probes.is_sorted_by(|a, b| a < b) && probes[0] >= 3 && probes[14] < 3 + length);
        }
    }
}
