//! One call of `append`: rounds of looking, planning and inserting. Law: a batch is answered by what the majority has
//! confirmed, or told that nobody knows.
//!
//! A round inserts all conversations' records with one command. Another replica may have been faster: its records
//! stand at the same `_id`s, ours are refused, and the next round goes on behind them. What our insert left of a
//! group that it did not get whole is made tombstones by whoever looks there next, usually that next round.

mod change;
mod insert;
mod keys;
mod places;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use mongodb::bson::{RawDocumentBuf, doc};
use shared::domain::{ConversationKey, MessageId, Seq, Timestamp};
use shared::ports::store_error::Source;
use shared::ports::{Append, AppendError, Appended, Condition, Draft, Entry, StoreError};
use thiserror::Error;

use super::super::db::Finding;
use super::super::place::Cid;
use super::busy::Name;
use super::claims;
use super::document::Stored;
use super::heads::Place;
use super::outbox::{Outbox, Touched};
use super::plan::{Known, Part, plan};
use super::records::Records;

/// How often other replicas may be faster.
const CONFLICTS: u32 = 5;
/// Conversations looked up beside each other.
const BESIDE: usize = 16;
/// Names in one lookup.
const NAMES: usize = 5_000;

pub(super) type Outcome = Result<Appended, AppendError>;

/// Other replicas were faster each time.
#[derive(Debug, Error)]
#[error("other writers of the same conversation were faster each time")]
struct Outrun;

/// A call of `append`.
pub(super) struct Commit<'b> {
    records: &'b Records,
    outbox: &'b Arc<Outbox>,
    batches: &'b [Append],
    outcomes: Vec<Option<Outcome>>,
    /// Names of idempotency keys, by batch.
    names: Vec<Option<Name>>,
    /// Keys that this call has claimed, or may take over, and from which group number.
    claimed: HashMap<Name, i64>,
    /// Groups of this call that did not become whole, by conversation.
    broken: HashMap<Cid, i64>,
    /// Batches that were stored before, whose outbox document is perhaps what failed then.
    repeated: Vec<(usize, Touched)>,
    /// Messages changed whose records are durable.
    changed: Vec<(Cid, Seq, Timestamp)>,
}

impl<'b> Commit<'b> {
    pub(super) fn new(records: &'b Records, outbox: &'b Arc<Outbox>, batches: &'b [Append]) -> Self {
        let name = |batch: &Append| batch.idempotency.as_ref().map(|i| claims::name(batch.tenant(), &i.key));
        Self {
            records,
            outbox,
            batches,
            outcomes: batches.iter().map(|_| None).collect(),
            names: batches.iter().map(name).collect(),
            claimed: HashMap::new(),
            broken: HashMap::new(),
            repeated: Vec::new(),
            changed: Vec::new(),
        }
    }

    /// All names that the call works on.
    pub(super) fn busy(&self) -> Vec<Name> {
        let conversations = self.batches.iter().map(|batch| Cid::of(&batch.key, 0).0);
        conversations.chain(self.names.iter().copied().flatten()).collect()
    }

    /// Runs rounds until every batch has its outcome.
    pub(super) async fn run(mut self) -> Vec<Outcome> {
        let mut conflicts = 0;
        while self.outcomes.iter().any(Option::is_none) {
            let open = self.outcomes.iter().filter(|outcome| outcome.is_none()).count();
            self.round().await;
            let still = self.outcomes.iter().filter(|outcome| outcome.is_none()).count();
            if still == 0 || still < open {
                continue;
            }
            conflicts += 1;
            if conflicts > CONFLICTS {
                break;
            }
            self.records.pause(Duration::from_millis(10 << conflicts)).await;
        }
        self.give_up().await;
        let outcomes = self.outcomes.into_iter();
        outcomes.map(|outcome| outcome.unwrap_or_else(|| Err(unavailable(Arc::new(Outrun))))).collect()
    }

    fn open(&self) -> Vec<usize> {
        (0..self.batches.len()).filter(|index| self.outcomes[*index].is_none()).collect()
    }

    fn fail(&mut self, indexes: impl IntoIterator<Item = usize>, error: &AppendError) {
        for index in indexes {
            self.outcomes[index].get_or_insert_with(|| Err(error.clone()));
        }
    }

    async fn round(&mut self) {
        self.replays().await;
        let (mut conversations, mut order) = (HashMap::<&ConversationKey, Vec<usize>>::new(), Vec::new());
        let mut keyed = HashSet::new();
        for index in self.open() {
            // Of several batches with one idempotency key, the first goes; the others find its claim then.
            if self.names[index].is_some_and(|name| !keyed.insert(name)) {
                continue;
            }
            let batches = self.batches;
            conversations
                .entry(&batches[index].key)
                .or_insert_with(|| {
                    order.push(&batches[index].key);
                    Vec::new()
                })
                .push(index);
        }
        for key in &order {
            // What a cached place says is proved by an insert behind it. A condition may be refused without one.
            let conditional = |index: &usize| self.batches[*index].condition != Condition::Always;
            if conversations.get(key).is_some_and(|indexes| indexes.iter().any(conditional)) {
                self.records.heads.forget(Cid::of(key, 0));
            }
        }
        let places = self.places(&order).await;
        let mut known = Vec::new();
        for key in order {
            let indexes = conversations.remove(key).unwrap_or_default();
            match places.get(key) {
                Some(Ok(place)) => known.push((*place, indexes)),
                Some(Err(error)) => self.fail(indexes, &unavailable(Arc::new(error.clone()))),
                None => {}
            }
        }
        let parts = match self.plan(known).await {
            Ok(parts) => parts,
            Err((error, indexes)) => return self.fail(indexes, &unavailable(Arc::new(error))),
        };
        let parts = self.claim(parts).await;
        let parts = self.change(parts).await;
        self.insert(parts).await;
        self.settle().await;
    }

    /// Plans each conversation's part, reposts found out with one lookup for all.
    async fn plan(&mut self, known: Vec<(Place, Vec<usize>)>) -> Result<Vec<Part>, (StoreError, Vec<usize>)> {
        let found = match self.named(&known).await {
            Ok(found) => found,
            Err(error) => return Err((error, known.into_iter().flat_map(|(_, indexes)| indexes).collect())),
        };
        let mut stored = HashMap::with_capacity(found.len());
        for document in &found {
            match Stored::read(document) {
                Ok(record) => drop(record.mid.map(|mid| stored.insert(mid, record))),
                Err(error) => return Err((error, known.into_iter().flat_map(|(_, indexes)| indexes).collect())),
            }
        }
        let mut targets = match self.targets(&known).await {
            Ok(targets) => targets,
            Err(error) => return Err((error, known.into_iter().flat_map(|(_, indexes)| indexes).collect())),
        };
        let mut parts = Vec::with_capacity(known.len());
        for (place, indexes) in known {
            let batches: Vec<_> = indexes.iter().map(|index| (*index, &self.batches[*index])).collect();
            let Some((_, first)) = batches.first() else { continue };
            let named = |draft: &Draft| {
                let mid = draft.message_id.as_ref().map(|id| place.cid.message(id.as_str()));
                mid.and_then(|mid| stored.get(mid.bytes.as_slice()))
            };
            let drafts = || batches.iter().flat_map(|(_, batch)| &batch.entries).filter_map(Entry::draft);
            if drafts().filter_map(named).any(|record| record.skeleton.seq() > place.tail.seq) {
                // It stands behind what is known of the conversation: look again.
                self.records.heads.forget(Cid::of(&first.key, 0));
                continue;
            }
            let same = |draft: &Draft| {
                named(draft).map_or(Known::No, |record| Known::when(record.same(draft).unwrap_or(false)))
            };
            parts.extend(plan(place, self.records.nonce(), &batches, same, &mut targets));
        }
        Ok(parts)
    }

    /// Stored messages that have an id of one of these batches.
    async fn named(&self, known: &[(Place, Vec<usize>)]) -> Result<Vec<RawDocumentBuf>, StoreError> {
        let mut names = Vec::new();
        for (place, indexes) in known.iter().filter(|(place, _)| place.tail.seq > 0) {
            let entries = indexes.iter().flat_map(|index| &self.batches[*index].entries);
            let ids = entries.filter_map(Entry::draft).filter_map(|draft| draft.message_id.as_ref());
            names.extend(ids.map(|id: &MessageId| place.cid.message(id.as_str())));
        }
        let mut found = Vec::new();
        for part in names.chunks(NAMES) {
            found.extend(self.records.find("named", doc! { "mid": { "$in": part } }, Finding::default()).await?);
        }
        Ok(found)
    }

    /// A part is durable, or had nothing to store. Who repeats what is stored gets his yes no sooner than the outbox
    /// has it: it may be the outbox that failed the first time.
    fn done(&mut self, part: Part, noted: Option<&AppendError>) {
        if part.group.count > 0 {
            self.changed.extend(part.targets.iter().map(|(seq, at)| (part.before.cid, *seq, *at)));
            self.records.heads.stands(Cid::of(&part.key, 0), part.after);
        }
        for planned in part.batches {
            if planned.outcome.is_ok()
                && let Some(name) = self.names[planned.index]
            {
                // From now on the claim is like anybody's: another batch with the key is told what it says.
                self.claimed.remove(&name);
            }
            self.outcomes[planned.index] = Some(match noted {
                Some(error) if planned.outcome.is_ok() => Err(error.clone()),
                _ => planned.outcome,
            });
        }
    }

    fn lose(&mut self, part: &Part, error: &AppendError) {
        self.records.heads.forget(Cid::of(&part.key, 0));
        let indexes: Vec<_> = part.batches.iter().map(|planned| planned.index).collect();
        self.fail(indexes, error);
    }
}

fn unavailable(source: Source) -> AppendError {
    AppendError::Unavailable(Some(source))
}
