//! Single records by their place.

use std::collections::{BTreeSet, HashMap};

use mongodb::bson::doc;
use shared::domain::{ConversationKey, Record, Seq};
use shared::ports::StoreError;

use super::super::db::Finding;
use super::super::place::Cid;
use super::document::Stored;
use super::records::{Records, next_epoch};
use super::tail::Group;

/// Names in one lookup.
const NAMES: usize = 5_000;

impl Records {
    /// Records at these places; those that are not there, or do not count, are `None`.
    pub(super) async fn single(&self, places: &[(ConversationKey, Seq)]) -> Result<Vec<Option<Record>>, StoreError> {
        let mut found: Vec<Option<Record>> = vec![None; places.len()];
        let mut open: Vec<usize> = (0..places.len()).collect();
        // Each turn follows erased conversations one epoch on.
        while !open.is_empty() {
            let mut wanted: HashMap<(Cid, u64), Vec<usize>> = HashMap::new();
            for index in open.drain(..) {
                let (key, seq) = &places[index];
                let cid = self.cid(key, Cid::of(key, 0));
                wanted.entry((cid, seq.0)).or_default().push(index);
            }
            let moved = self.fetch(&wanted, &mut found).await?;
            for (place, indexes) in wanted {
                let Some(epoch) = moved.get(&place.0) else { continue };
                for index in indexes {
                    self.heads.lives(Cid::of(&places[index].0, 0), *epoch);
                    open.push(index);
                }
            }
        }
        Ok(found)
    }

    /// Fetches records; answers which conversations were erased, and where their names live now.
    async fn fetch(
        &self,
        wanted: &HashMap<(Cid, u64), Vec<usize>>,
        found: &mut [Option<Record>],
    ) -> Result<HashMap<Cid, u64>, StoreError> {
        let mut moved = HashMap::new();
        let mut missing: BTreeSet<Cid> = wanted.keys().map(|(cid, _)| *cid).collect();
        let ids: Vec<_> = wanted.keys().map(|(cid, seq)| cid.record(*seq)).collect();
        for part in ids.chunks(NAMES) {
            let documents = self.find("records", doc! { "_id": { "$in": part } }, Finding::default()).await?;
            for document in &documents {
                let stored = Stored::read(document)?;
                let (cid, seq) = (stored.skeleton.cid, stored.skeleton.seq());
                missing.remove(&cid);
                if stored.skeleton.erased() {
                    moved.insert(cid, next_epoch(&stored.skeleton)?);
                    continue;
                }
                if !self.counts(cid, seq, stored.skeleton.group).await? {
                    continue;
                }
                let record = stored.record()?;
                for index in wanted.get(&(cid, seq)).into_iter().flatten() {
                    found[*index] = Some(record.clone());
                }
            }
        }
        // Of a conversation that was erased long ago, only the first record is left, and points on.
        let firsts: Vec<_> = missing.iter().map(|cid| cid.record(1)).collect();
        if !firsts.is_empty() {
            for first in self.skeletons("records", doc! { "_id": { "$in": firsts } }, Finding::default()).await? {
                if first.erased() {
                    moved.insert(first.cid, next_epoch(&first)?);
                }
            }
        }
        Ok(moved)
    }

    /// Whether a record counts. One behind its group proves it, else the group is looked at whole.
    async fn counts(&self, cid: Cid, seq: u64, group: Group) -> Result<bool, StoreError> {
        if group.count == 1 || self.heads.counted(cid) >= seq {
            return Ok(true);
        }
        let behind = self.skeletons("group", doc! { "_id": cid.record(group.end()) }, Finding::first(1)).await?;
        if behind.first().is_some_and(|record| record.group.first == group.end()) {
            self.heads.counts(cid, seq);
            return Ok(true);
        }
        self.is_whole(cid, group).await
    }
}
