//! Views moved forward by compare-and-set. Law: the participations of a step change exactly once with its view,
//! whatever crashes and repeats.
//!
//! There is no transaction, so a step goes in two commands, each for all conversations of the call. The first moves
//! the views, and leaves in each what its rows are still owed. The second brings the rows on, each by a statement
//! that does nothing the second time, and then notes that nothing is owed. A view that owes does not move: whoever
//! finds one, after a crash between the two, pays first.

use std::collections::{HashMap, HashSet};

use mongodb::bson::{RawDocumentBuf, cstr, doc, rawdoc};
use shared::ports::{CasOutcome, ProjectionStep, StoreError};

use super::super::db::Finding;
use super::super::failure::Failure;
use super::super::fields::{bytes, count, int, stored};
use super::super::place::{Cid, binary};
use super::super::schema::VIEWS;
use super::Views;
use super::documents::{Owed, Prepared, name, pending, row_ids, told};

/// How often views that owed are tried again.
const ATTEMPTS: u32 = 3;

/// A view that a step was compared with.
struct Met {
    nonce: i64,
    applied: (u64, Vec<u8>),
    owed: Option<Owed>,
}

impl Views {
    /// Commits steps of different conversations.
    pub(super) async fn commit(&self, steps: Vec<ProjectionStep>) -> Result<Vec<CasOutcome>, StoreError> {
        let mut outcomes = vec![CasOutcome::Stale; steps.len()];
        let prepared: Result<Vec<_>, _> = steps.into_iter().map(|step| Prepared::new(step, self.nonce())).collect();
        let prepared = prepared?;
        let mut open: Vec<usize> = (0..prepared.len()).collect();
        for _ in 0..ATTEMPTS {
            if open.is_empty() {
                break;
            }
            let (applied, owing) = self.advance(&prepared, &open).await?;
            let owed: Vec<_> =
                applied.iter().map(|index| Owed::of(&prepared[*index], prepared[*index].repair())).collect();
            self.pay(owed).await?;
            for index in applied {
                outcomes[index] = CasOutcome::Applied;
            }
            open = owing;
        }
        Ok(outcomes)
    }

    /// Moves views. Answers whose did move, and which were only held up by what they owed.
    async fn advance(&self, prepared: &[Prepared], open: &[usize]) -> Result<(Vec<usize>, Vec<usize>), StoreError> {
        let statements = open.iter().map(|index| prepared[*index].statement()).collect();
        let written = self.db.update("project", VIEWS, statements, false).await?;
        written.but_taken()?;
        let new: HashSet<usize> = written.upserted.iter().filter_map(|place| open.get(*place)).copied().collect();
        let moves: Vec<usize> = open.iter().copied().filter(|index| prepared[*index].step.from.is_some()).collect();
        let mut applied: Vec<usize> = new.iter().copied().collect();
        if written.matched.saturating_sub(new.len() as u64) == moves.len() as u64 {
            applied.extend(moves);
            applied.sort_unstable();
            return Ok((applied, Vec::new()));
        }
        let mut met = self.meet(moves.iter().map(|index| prepared[*index].name)).await?;
        let (mut owed, mut owing) = (Vec::new(), Vec::new());
        for index in moves {
            let Some(found) = met.remove(&prepared[index].name) else { continue };
            if found.nonce == prepared[index].nonce {
                applied.push(index);
                continue;
            }
            let from = prepared[index].step.from;
            let stands = from.is_some_and(|(seq, digest)| found.applied == (seq.0, digest.as_bytes().to_vec()));
            if stands && let Some(debt) = found.owed {
                owed.push(debt);
                owing.push(index);
            }
        }
        self.pay(owed).await?;
        applied.sort_unstable();
        Ok((applied, owing))
    }

    async fn meet(&self, names: impl Iterator<Item = Cid>) -> Result<HashMap<Cid, Met>, StoreError> {
        let names: Vec<_> = names.map(|name| binary(&name.0)).collect();
        let fields = doc! { "t": 1, "n": 1, "a": 1, "d": 1, "w": 1, "pend": 1 };
        let found =
            self.db.find("met", VIEWS, doc! { "_id": { "$in": names } }, Finding::default().only(fields)).await?;
        let mut met = HashMap::with_capacity(found.len());
        for view in &found {
            let applied = (count(view, "a")?, bytes(view, "d")?.to_vec());
            met.insert(name(view)?, Met { nonce: int(view, "w")?, applied, owed: Owed::read(view)? });
        }
        Ok(met)
    }

    /// Brings rows on. Done twice, or by two at once, it is done once.
    pub(super) async fn pay(&self, owed: Vec<Owed>) -> Result<(), StoreError> {
        let owed: Vec<_> = owed.into_iter().filter(|owed| !owed.deltas.is_empty() || owed.repair.is_some()).collect();
        if owed.is_empty() {
            return Ok(());
        }
        self.clear(&owed).await?;
        let mut statements: Vec<RawDocumentBuf> = owed.iter().flat_map(Owed::statements).collect();
        let (total, mut done) = (statements.len() as u64, 0);
        loop {
            let written = self.db.update("participate", VIEWS, statements.clone(), true).await?;
            written.but_taken()?;
            done += written.matched;
            // In order: the first row that has the step already ends the command; the rest goes in another one.
            let Some(place) = written.taken.first() else { break };
            done += 1;
            statements.drain(..=*place);
            if statements.is_empty() {
                break;
            }
        }
        if done < total {
            self.forget_orphans(&owed).await?;
        }
        Ok(())
    }

    /// Rows that a repair does not know of.
    async fn clear(&self, owed: &[Owed]) -> Result<(), StoreError> {
        let repaired = owed.iter().filter_map(|owed| owed.repair.map(|repair| (owed, repair)));
        let filters: Vec<_> = repaired
            .map(|(owed, repair)| {
                let (first, last) = row_ids(owed.name);
                rawdoc! { "_id": { "$gte": first, "$lte": last }, "pa": { "$lte": owed.applied }, "pr": { "$ne": repair } }
            })
            .collect();
        if !filters.is_empty() {
            self.db.delete("participate", VIEWS, filters).await?.all()?;
        }
        Ok(())
    }

    /// Some views were no longer what they were: of those that were erased meanwhile no rows may stay.
    async fn forget_orphans(&self, owed: &[Owed]) -> Result<(), StoreError> {
        let met = self.meet(owed.iter().map(|owed| owed.name)).await?;
        let gone = owed.iter().filter(|owed| !met.contains_key(&owed.name));
        let filters: Vec<_> = gone.map(|owed| rows_of(owed.name)).collect();
        if !filters.is_empty() {
            self.db.delete("participate", VIEWS, filters).await?.all()?;
        }
        Ok(())
    }

    /// Puts a view in place of whatever is there, with exactly these participations.
    pub(super) async fn replace(&self, step: ProjectionStep) -> Result<(), StoreError> {
        let prepared = Prepared::new(step, self.nonce())?;
        let repair = self.nonce();
        for _ in 0..ATTEMPTS {
            // A view that was ahead of the log may have rows that are, too.
            self.db.delete("replace", VIEWS, vec![rows_of(prepared.name)]).await?.all()?;
            if self.put(&prepared, repair).await? {
                return self.pay(vec![Owed::of(&prepared, Some(repair))]).await;
            }
        }
        Err(StoreError::unavailable(Failure::Refused("the view was changed by others each time".to_owned())))
    }

    async fn put(&self, prepared: &Prepared, repair: i64) -> Result<bool, StoreError> {
        let step = &prepared.step;
        let id = binary(&prepared.name.0);
        let fields = doc! { "cv": 1, "i": 1 };
        let found = self.db.find("replace", VIEWS, doc! { "_id": id.clone() }, Finding::first(1).only(fields)).await?;
        let mut set = prepared.fields();
        set.append(cstr!("t"), step.key.tenant.as_str());
        set.append(cstr!("n"), step.key.conversation.as_str());
        set.append(cstr!("pend"), pending(&step.participations, Some(repair)));
        let statement = if let Some(view) = found.first() {
            let covered = count(view, "cv")?;
            set.append(cstr!("un"), told(&step.view) > covered);
            rawdoc! { "q": { "_id": id, "i": int(view, "i")?, "cv": stored(covered) }, "u": { "$set": set } }
        } else {
            set.append(cstr!("un"), told(&step.view) > 0);
            set.append(cstr!("cv"), 0_i64);
            set.append(cstr!("v"), 0_i64);
            rawdoc! { "q": { "_id": id, "i": prepared.nonce }, "u": { "$set": set }, "upsert": true }
        };
        let written = self.db.update("replace", VIEWS, vec![statement], false).await?;
        written.but_taken()?;
        Ok(written.matched > 0 && written.taken.is_empty())
    }
}

/// All rows of a conversation.
pub(super) fn rows_of(name: Cid) -> RawDocumentBuf {
    let (first, last) = row_ids(name);
    rawdoc! { "_id": { "$gte": first, "$lte": last } }
}
