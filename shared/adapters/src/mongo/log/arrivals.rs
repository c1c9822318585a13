//! What arrived since, in the order of the outbox. Law: no mark passes a commit before its records are there or never
//! will be, so nothing appears unseen behind a mark.
//!
//! A commit's document is written beside its records, so it may be there before them: then the mark waits in front of
//! it. After a minute whoever wrote it is taken for gone, and what is missing is sealed. Servers give the documents
//! their ids by their own clock, and may show them a little out of turn: so a few seconds before the mark are looked
//! at again, and what was told already is not told twice.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, RawDocument, RawDocumentBuf, doc, rawdoc};
use parking_lot::Mutex;
use shared::domain::ConversationKey;
use shared::ports::{ArrivalMark, Arrivals, Reach, StoreError};

use super::super::db::Finding;
use super::super::failure::{corrupt, missing};
use super::super::place::Cid;
use super::super::schema::{COMMITS, IDEMPOTENCY};
use super::claims;
use super::outbox;
use super::records::Records;

/// How far before the mark is looked again.
const MARGIN: Duration = Duration::from_secs(10);
/// Commits that are remembered as told.
const TOLD: usize = 100_000;
/// After so long, the records of a commit are not waited for.
const ABANDONED: Duration = Duration::from_mins(1);
/// How long commits are kept.
const KEPT: Duration = Duration::from_hours(24);
/// Between one tidying and the next.
const TIDY: Duration = Duration::from_mins(1);
/// Names in one lookup.
const NAMES: usize = 5_000;

/// The readers' side of the outbox.
pub(super) struct Commits {
    told: Mutex<BTreeSet<ObjectId>>,
    tidied: Mutex<Option<Instant>>,
}

/// A document of the outbox.
struct Commit {
    id: ObjectId,
    reached: Vec<(Cid, Reach)>,
}

impl Commits {
    pub(super) fn new() -> Self {
        Self { told: Mutex::default(), tidied: Mutex::default() }
    }

    /// What arrived behind the mark, and a little before it that was not told yet. An unknown mark begins at the start.
    pub(super) async fn after(
        &self,
        records: &Records,
        mark: &ArrivalMark,
        limit: usize,
    ) -> Result<Arrivals, StoreError> {
        let mark = ObjectId::parse_str(mark.0.as_str()).ok();
        let mut commits = match mark {
            Some(mark) => self.late(records, mark, limit.max(1)).await?,
            None => Vec::new(),
        };
        let behind = mark.map_or_else(|| doc! {}, |mark| doc! { "_id": { "$gt": mark } });
        let found =
            records.db.find("arrivals", COMMITS, behind, Finding::sorted(doc! { "_id": 1 }, limit.max(1))).await?;
        let mut more = found.len() >= limit.max(1);
        let mut seen = 0;
        for document in &found {
            if seen >= limit.max(1) {
                more = true;
                break;
            }
            let commit = read(document)?;
            seen += commit.reached.len();
            commits.push(commit);
        }
        let cids: Vec<_> = commits.iter().flat_map(|commit| &commit.reached).map(|(cid, _)| *cid).collect();
        let erased = if cids.is_empty() { Vec::new() } else { records.erased_of(&cids).await? };
        for commit in &mut commits {
            commit.reached.retain(|(cid, _)| !erased.contains(cid));
        }
        let held = self.held(records, &commits).await?;
        Ok(self.tell(mark, commits, &held, more))
    }

    /// Commits of the last seconds before the mark that were not told yet.
    async fn late(&self, records: &Records, mark: ObjectId, limit: usize) -> Result<Vec<Commit>, StoreError> {
        let filter = doc! { "_id": { "$gt": earlier(mark, MARGIN), "$lte": mark } };
        let ids = records.db.find("arrivals", COMMITS, filter, Finding::default().only(doc! { "_id": 1 })).await?;
        let mut missed = Vec::new();
        for document in &ids {
            let id = id(document)?;
            if !self.told.lock().contains(&id) {
                missed.push(id);
            }
        }
        missed.truncate(limit);
        if missed.is_empty() {
            return Ok(Vec::new());
        }
        let filter = doc! { "_id": { "$in": missed } };
        let found = records.db.find("arrivals", COMMITS, filter, Finding::sorted(doc! { "_id": 1 }, 0)).await?;
        found.iter().map(read).collect()
    }

    /// Conversations whose records are not there yet. Those of an old commit are sealed.
    async fn held(&self, records: &Records, commits: &[Commit]) -> Result<BTreeSet<Cid>, StoreError> {
        let mut highest: HashMap<Cid, u64> = HashMap::new();
        for (cid, reach) in commits.iter().flat_map(|commit| &commit.reached) {
            let seq = highest.entry(*cid).or_default();
            *seq = reach.seq.0.max(*seq);
        }
        let mut held: BTreeSet<Cid> = highest.keys().copied().collect();
        let places: Vec<_> = highest.iter().map(|(cid, seq)| cid.record(*seq)).collect();
        for part in places.chunks(NAMES) {
            for found in records.skeletons("reached", doc! { "_id": { "$in": part } }, Finding::default()).await? {
                held.remove(&found.cid);
            }
        }
        if held.is_empty() {
            return Ok(held);
        }
        let now = records.time().await?;
        let mut abandoned: HashMap<Cid, &Reach> = HashMap::new();
        for commit in commits {
            let age = now.saturating_sub(commit.id.timestamp().timestamp_millis());
            if u128::try_from(age).unwrap_or(0) < ABANDONED.as_millis() {
                continue;
            }
            for (cid, reach) in commit.reached.iter().filter(|(cid, _)| held.contains(cid)) {
                let highest = abandoned.entry(*cid).or_insert(reach);
                *highest = if reach.seq > highest.seq { reach } else { highest };
            }
        }
        for (cid, reach) in abandoned {
            let place = records.place(&reach.key, None).await?;
            let lives = place.cid == cid;
            if lives && place.tail.seq < reach.seq.0 {
                // Nothing of it is there to be sealed, and it may come still: behind the mark, seen by nobody.
                records.bar(&reach.key, &place).await?;
            } else if lives && highest.get(&cid).is_some_and(|seq| place.tail.seq < *seq) {
                // A younger commit is on its way.
                continue;
            }
            held.remove(&cid);
        }
        Ok(held)
    }

    fn tell(&self, mark: Option<ObjectId>, commits: Vec<Commit>, held: &BTreeSet<Cid>, more: bool) -> Arrivals {
        let (mut reached, mut places) = (Vec::<Reach>::new(), HashMap::<ConversationKey, usize>::new());
        let (mut passed, mut stopped) = (mark, false);
        let mut told = Vec::new();
        for commit in commits {
            let waits = commit.reached.iter().any(|(cid, _)| held.contains(cid));
            stopped |= waits && passed.is_none_or(|mark| commit.id > mark);
            if !stopped {
                passed = passed.max(Some(commit.id));
            }
            if !waits {
                told.push(commit.id);
            }
            for (cid, reach) in commit.reached {
                if held.contains(&cid) {
                    continue;
                }
                if let Some(place) = places.get(&reach.key) {
                    reached[*place].seq = reached[*place].seq.max(reach.seq);
                } else {
                    places.insert(reach.key.clone(), reached.len());
                    reached.push(reach);
                }
            }
        }
        self.remember(told);
        let mark = ArrivalMark(passed.map_or_else(Default::default, |id| id.to_hex().into()));
        Arrivals { reached, mark, more: more && !stopped }
    }

    fn remember(&self, ids: Vec<ObjectId>) {
        let mut told = self.told.lock();
        told.extend(ids);
        let Some(newest) = told.last().copied() else { return };
        let oldest = earlier(newest, 2 * MARGIN);
        *told = told.split_off(&oldest);
        while told.len() > TOLD {
            told.pop_first();
        }
    }

    /// What has served its time goes, about once a minute. A failure waits for the next time. Answers whether it was
    /// time.
    pub(super) async fn tidy(&self, records: &Records) -> bool {
        {
            let mut tidied = self.tidied.lock();
            if tidied.is_some_and(|at| at.elapsed() < TIDY) {
                return false;
            }
            *tidied = Some(Instant::now());
        }
        if let Err(error) = tidy(records).await {
            tracing::warn!(%error, "old commits and keys could not be removed; it will be tried again");
        }
        true
    }
}

async fn tidy(records: &Records) -> Result<(), StoreError> {
    let now = records.time().await?;
    let before = |time: Duration| now.saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    let commits = rawdoc! { "_id": { "$lt": at(before(KEPT)) } };
    records.db.delete("tidy", COMMITS, vec![commits]).await?.all()?;
    let claims = rawdoc! { "at": { "$lt": before(claims::KEPT) } };
    records.db.delete("tidy", IDEMPOTENCY, vec![claims]).await?.all()?;
    records.tidy_erasures(now).await
}

impl Records {
    /// The server's clock, in milliseconds.
    pub(super) async fn time(&self) -> Result<i64, StoreError> {
        let hello = self.db.command("time", doc! { "hello": 1 }).await?;
        match hello.get("localTime") {
            Some(Bson::DateTime(time)) => Ok(time.timestamp_millis()),
            _ => Err(missing("the server's time")),
        }
    }
}

/// The first id of a time, in milliseconds.
fn at(millis: i64) -> ObjectId {
    let seconds = u32::try_from(millis.max(0) / 1000).unwrap_or(u32::MAX);
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

/// The first id of a time before another one.
fn earlier(id: ObjectId, by: Duration) -> ObjectId {
    at(id.timestamp().timestamp_millis().saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

fn id(document: &RawDocument) -> Result<ObjectId, StoreError> {
    document.get_object_id("_id").map_err(|error| corrupt("the id of a commit", error))
}

fn read(document: &RawDocumentBuf) -> Result<Commit, StoreError> {
    Ok(Commit { id: id(document)?, reached: outbox::read(document)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_a_time_order_like_it() {
        let id = at(1_700_000_000_000);
        assert_eq!(id.timestamp().timestamp_millis(), 1_700_000_000_000);
        assert_eq!(earlier(id, MARGIN).timestamp().timestamp_millis(), 1_699_999_990_000);
        assert!(earlier(id, MARGIN) < id && at(-5) == at(0));
    }
}
