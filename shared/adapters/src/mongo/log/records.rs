//! Records found, and where conversations stand. Law: a reader is shown records that count, and nothing else.

use std::sync::Arc;

use mongodb::bson::{Document, RawDocumentBuf, doc};
use shared::domain::{ConversationKey, Record};
use shared::ports::{IdSource, StoreError};

use super::super::db::{Db, Finding};
use super::super::failure::missing;
use super::super::place::Cid;
use super::super::schema::{MESSAGES, between};
use super::document::{Skeleton, Stored, skeleton_fields};
use super::heads::{Heads, Place};
use super::tail::{Group, Tail};
use super::visible::{self, Next};

/// The collection of records, and what is known of it.
pub(super) struct Records {
    pub(super) db: Arc<Db>,
    pub(super) heads: Heads,
    pub(super) ids: Arc<dyn IdSource>,
}

/// What the end of a conversation shows.
pub(super) enum End {
    /// All that is there counts, up to this record.
    Settled(Tail),
    /// Records up to the first one count; those behind it, all that are there, do not.
    Unsettled(Tail, Vec<Skeleton>, Next),
    /// It was erased; its successor lives in this epoch.
    Erased(u64),
}

impl Records {
    pub(super) fn new(db: Arc<Db>, ids: Arc<dyn IdSource>) -> Self {
        Self { db, heads: Heads::new(), ids }
    }

    pub(super) async fn find(
        &self,
        op: &'static str,
        filter: Document,
        finding: Finding,
    ) -> Result<Vec<RawDocumentBuf>, StoreError> {
        Ok(self.db.find(op, MESSAGES, filter, finding).await?)
    }

    pub(super) async fn skeletons(
        &self,
        op: &'static str,
        filter: Document,
        finding: Finding,
    ) -> Result<Vec<Skeleton>, StoreError> {
        let found = self.find(op, filter, finding.only(skeleton_fields())).await?;
        found.iter().map(|document| Stored::read(document).map(|stored| stored.skeleton)).collect()
    }

    /// The last record, whether it counts or not.
    pub(super) async fn last(&self, cid: Cid) -> Result<Option<Skeleton>, StoreError> {
        let filter = between(cid.record(0), cid.record(u64::MAX));
        Ok(self.skeletons("head", filter, Finding::sorted(doc! { "_id": -1 }, 1)).await?.pop())
    }

    /// Whether all records of a group are there.
    pub(super) async fn is_whole(&self, cid: Cid, group: Group) -> Result<bool, StoreError> {
        let filter = between(cid.record(group.first), cid.record(group.end() - 1));
        let found = self.skeletons("group", filter, Finding::sorted(doc! { "_id": 1 }, 0)).await?;
        let whole = visible::is_whole(group, &found);
        if whole {
            self.heads.counts(cid, group.end() - 1);
        }
        Ok(whole)
    }

    /// Where an epoch of a conversation ends.
    pub(super) async fn end(&self, cid: Cid) -> Result<End, StoreError> {
        let Some(last) = self.last(cid).await? else { return Ok(End::Settled(Tail::EMPTY)) };
        if last.erased() {
            return next_epoch(&last).map(End::Erased);
        }
        if last.group.count == 1 || self.heads.counted(cid) >= last.seq() {
            self.heads.counts(cid, last.seq());
            return Ok(End::Settled(last.tail));
        }
        // The group's first record proves that all before it count; the one before it tells what it goes on from.
        let from = last.group.first - 1;
        let filter = between(cid.record(from), cid.record(u64::MAX));
        let found = self.skeletons("tail", filter, Finding::sorted(doc! { "_id": 1 }, 0)).await?;
        if let Some(erased) = found.iter().find(|record| record.erased()) {
            return next_epoch(erased).map(End::Erased);
        }
        let (mut tail, mut rest) = match found.split_first() {
            _ if from == 0 => (Tail::EMPTY, &found[..]),
            Some((before, rest)) if before.seq() == from => (before.tail, rest),
            _ => return Err(missing("the record before a group")),
        };
        loop {
            match visible::next(tail.seq + 1, rest) {
                Next::End => {
                    self.heads.counts(cid, tail.seq);
                    return Ok(End::Settled(tail));
                }
                Next::Count(count) => {
                    let (group, others) = rest.split_at(usize::try_from(count).unwrap_or(rest.len()));
                    tail = group.last().map_or(tail, |record| record.tail);
                    rest = others;
                }
                waits => return Ok(End::Unsettled(tail, rest.to_vec(), waits)),
            }
        }
    }

    /// Where a conversation stands for readers; `None` if there is none.
    pub(super) async fn head(&self, key: &ConversationKey) -> Result<Option<Place>, StoreError> {
        let name = Cid::of(key, 0);
        loop {
            let cid = self.cid(key, name);
            let tail = match self.end(cid).await? {
                End::Settled(tail) | End::Unsettled(tail, ..) => tail,
                End::Erased(epoch) => {
                    self.heads.lives(name, epoch);
                    continue;
                }
            };
            return Ok((tail.seq > 0).then_some(Place { cid, tail }));
        }
    }

    /// The epoch of a conversation that is looked at first.
    pub(super) fn cid(&self, key: &ConversationKey, name: Cid) -> Cid {
        match self.heads.epoch(name) {
            0 => name,
            epoch => Cid::of(key, epoch),
        }
    }

    /// Records with `seq >= from`, ascending, at most `limit`.
    pub(super) async fn read(&self, key: &ConversationKey, from: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let (name, from) = (Cid::of(key, 0), from.max(1));
        loop {
            let cid = self.cid(key, name);
            let filter = between(cid.record(from), cid.record(u64::MAX));
            let found = self.find("read", filter, Finding::sorted(doc! { "_id": 1 }, limit)).await?;
            let stored: Vec<_> = found.iter().map(|document| Stored::read(document)).collect::<Result<_, _>>()?;
            if let Some(epoch) = self.erased(cid, from, &stored).await? {
                self.heads.lives(name, epoch);
                continue;
            }
            let skeletons: Vec<_> = stored.iter().map(|stored| stored.skeleton).collect();
            let until = self.until(cid, from, &skeletons, found.len() < limit).await?;
            return stored.iter().take_while(|s| s.skeleton.seq() < until).map(Stored::record).collect();
        }
    }

    /// Whether what was found, or that nothing was, comes from an erasure: then the epoch to look at.
    async fn erased(&self, cid: Cid, from: u64, found: &[Stored<'_>]) -> Result<Option<u64>, StoreError> {
        if let Some(erased) = found.iter().find(|stored| stored.skeleton.erased()) {
            return next_epoch(&erased.skeleton).map(Some);
        }
        if !found.is_empty() || from == 1 {
            return Ok(None);
        }
        let last = self.last(cid).await?.filter(Skeleton::erased);
        last.as_ref().map(next_epoch).transpose()
    }

    /// The seq below which records of a window count.
    pub(super) async fn until(&self, cid: Cid, from: u64, found: &[Skeleton], whole: bool) -> Result<u64, StoreError> {
        let dense = found.iter().enumerate().take_while(|(place, record)| record.seq() == from + *place as u64).count();
        let end = from + dense as u64;
        if self.heads.counted(cid) + 1 >= end {
            return Ok(end);
        }
        let seen = visible::seen(from, found, whole);
        let until = match seen.unsure {
            Some(group) if self.is_whole(cid, group).await? => group.end().min(end),
            _ => seen.until,
        };
        if until > from {
            self.heads.counts(cid, until - 1);
        }
        Ok(until)
    }
}

/// The epoch that a record of an erased conversation points to.
pub(super) fn next_epoch(record: &Skeleton) -> Result<u64, StoreError> {
    record.next_epoch.ok_or_else(|| missing("the epoch after an erasure"))
}
