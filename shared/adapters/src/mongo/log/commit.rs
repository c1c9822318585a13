//! One call of `append`: rounds of looking, planning and inserting. Law: a batch is answered by what the majority has
//! confirmed, or told that nobody knows.
//!
//! A round inserts all conversations' records with one command. Another replica may have been faster: its records
//! stand at the same `_id`s, ours are refused, and the next round goes on behind them. What our insert left of a
//! group that it did not get whole is made tombstones by whoever looks there next, usually that next round.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use mongodb::bson::{RawDocumentBuf, doc};
use shared::domain::{ConversationKey, MessageId};
use shared::ports::store_error::Source;
use shared::ports::{Append, AppendError, Appended, Condition, Draft, Entry, StoreError};
use thiserror::Error;

use super::super::db::{Finding, Written};
use super::super::failure::Failure;
use super::super::place::Cid;
use super::super::schema::MESSAGES;
use super::busy::Name;
use super::claims::{self, Claim, Verdict};
use super::document::{Stored, Tail};
use super::heads::Place;
use super::outbox::Outbox;
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

    /// Claims of batches that were not stored are given back.
    async fn give_up(&mut self) {
        let mut left = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            let unknown = matches!(self.outcomes[index], Some(Ok(_) | Err(AppendError::Unknown(_))));
            if let Some(name) = name
                && !unknown
                && let Some(nonce) = self.claimed.remove(name)
            {
                left.push((*name, nonce));
            }
        }
        if let Err(error) = self.records.disclaim(left).await {
            tracing::debug!(%error, "claims of refused batches stay for a while");
        }
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
        self.insert(parts).await;
    }

    /// Batches whose idempotency key was claimed before.
    async fn replays(&mut self) {
        let open = self.open();
        let fresh = |index: &usize| self.names[*index].filter(|name| !self.claimed.contains_key(name));
        let names: Vec<_> = open.iter().filter_map(fresh).collect();
        let found = match self.records.claims(&names).await {
            Ok(found) => found,
            Err(error) => {
                let keyed = open.into_iter().filter(|index| self.names[*index].is_some()).collect::<Vec<_>>();
                return self.fail(keyed, &unavailable(Arc::new(error)));
            }
        };
        for index in open {
            let Some(name) = self.names[index].filter(|name| !self.claimed.contains_key(name)) else { continue };
            let Some(claim) = found.get(&name) else { continue };
            match self.records.judge(&self.batches[index], claim).await {
                Ok(Verdict::Answered(outcome)) => self.outcomes[index] = Some(outcome),
                Ok(Verdict::Void(nonce)) => drop(self.claimed.insert(name, nonce)),
                Err(error) => self.fail([index], &unavailable(Arc::new(error))),
            }
        }
    }

    /// Where conversations stand: from memory; those unknown are looked for together, as most of them are new.
    async fn places<'k>(
        &self,
        keys: &[&'k ConversationKey],
    ) -> HashMap<&'k ConversationKey, Result<Place, StoreError>> {
        let mut places = HashMap::with_capacity(keys.len());
        let mut unknown = Vec::new();
        for &key in keys {
            match self.records.heads.place(Cid::of(key, 0)) {
                Some(place) => drop(places.insert(key, Ok(place))),
                None => unknown.push(key),
            }
        }
        let fresh: Vec<_> = unknown.iter().copied().filter(|key| !self.broken.contains_key(&Cid::of(key, 0))).collect();
        if fresh.len() > 1 {
            match self.strangers(&fresh).await {
                Ok(new) => {
                    unknown.retain(|key| !new.contains_key(key));
                    places.extend(new.into_iter().map(|(key, place)| (key, Ok(place))));
                }
                Err(error) => {
                    places.extend(unknown.into_iter().map(|key| (key, Err(error.clone()))));
                    return places;
                }
            }
        }
        // The driver's futures are made before they are run beside each other.
        let mut looks = Vec::with_capacity(unknown.len());
        for key in unknown {
            let own = self.broken.get(&Cid::of(key, 0)).copied();
            let look = async move { (key, self.records.place(key, own).await) };
            looks.push(look);
        }
        let found: Vec<_> = futures_util::stream::iter(looks).buffer_unordered(BESIDE).collect().await;
        places.extend(found);
        places
    }

    /// Conversations that have no first record. If that is on its way, the insert meets what is there already.
    async fn strangers<'k>(
        &self,
        keys: &[&'k ConversationKey],
    ) -> Result<HashMap<&'k ConversationKey, Place>, StoreError> {
        let mut new: HashMap<Cid, &ConversationKey> = HashMap::with_capacity(keys.len());
        for &key in keys {
            new.insert(self.records.cid(key, Cid::of(key, 0)), key);
        }
        let firsts: Vec<_> = new.keys().map(|cid| cid.record(1)).collect();
        for part in firsts.chunks(NAMES) {
            let filter = doc! { "_id": { "$in": part } };
            for found in self.records.skeletons("heads", filter, Finding::default()).await? {
                new.remove(&found.cid);
            }
        }
        Ok(new.into_iter().map(|(cid, key)| (key, Place { cid, tail: Tail::EMPTY })).collect())
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
        let mut parts = Vec::with_capacity(known.len());
        for (place, indexes) in known {
            let batches: Vec<_> = indexes.iter().map(|index| (*index, &self.batches[*index])).collect();
            let Some((_, first)) = batches.first() else { continue };
            let named = |draft: &Draft| {
                let mid = draft.message_id.as_ref().map(|id| place.cid.message(id.as_str()));
                mid.and_then(|mid| stored.get(mid.bytes.as_slice()))
            };
            let drafts = || batches.iter().flat_map(|(_, batch)| &batch.entries).filter_map(draft);
            if drafts().filter_map(named).any(|record| record.skeleton.seq() > place.tail.seq) {
                // It stands behind what is known of the conversation: look again.
                self.records.heads.forget(Cid::of(&first.key, 0));
                continue;
            }
            let same = |draft: &Draft| {
                named(draft).map_or(Known::No, |record| Known::when(record.same(draft).unwrap_or(false)))
            };
            parts.extend(plan(place, self.records.nonce(), &batches, same));
        }
        Ok(parts)
    }

    /// Stored messages that have an id of one of these batches.
    async fn named(&self, known: &[(Place, Vec<usize>)]) -> Result<Vec<RawDocumentBuf>, StoreError> {
        let mut names = Vec::new();
        for (place, indexes) in known.iter().filter(|(place, _)| place.tail.seq > 0) {
            let entries = indexes.iter().flat_map(|index| &self.batches[*index].entries);
            let ids = entries.filter_map(draft).filter_map(|draft| draft.message_id.as_ref());
            names.extend(ids.map(|id: &MessageId| place.cid.message(id.as_str())));
        }
        let mut found = Vec::new();
        for part in names.chunks(NAMES) {
            found.extend(self.records.find("named", doc! { "mid": { "$in": part } }, Finding::default()).await?);
        }
        Ok(found)
    }

    /// Claims the idempotency keys of what is to be stored. Parts whose keys somebody else has claimed drop out.
    async fn claim(&mut self, mut parts: Vec<Part>) -> Vec<Part> {
        let (mut fresh, mut owners, mut over) = (Vec::new(), Vec::new(), Vec::new());
        for (place, part) in parts.iter().enumerate() {
            for planned in &part.batches {
                let (Some(name), Ok(appended)) = (self.names[planned.index], &planned.outcome) else { continue };
                let batch = &self.batches[planned.index];
                let Some(request) = &batch.idempotency else { continue };
                let at = (planned.first, part.group.nonce);
                let claim = Claim::new((name, request), part.before.cid, at, appended);
                match self.claimed.get(&name) {
                    Some(from) => over.push((claim.takes_over(batch, *from), name, place)),
                    None => fresh.push(claim.document(batch)),
                }
                if !self.claimed.contains_key(&name) {
                    owners.push((name, place));
                }
            }
        }
        let mut lost: HashMap<usize, Option<AppendError>> = HashMap::new();
        if !fresh.is_empty() {
            match self.records.claim(fresh).await {
                Ok(written) if written.but_taken().is_ok() => {
                    for (index, (name, place)) in owners.iter().enumerate() {
                        if written.taken.contains(&index) {
                            lost.insert(*place, None);
                        } else {
                            self.claimed.insert(*name, parts[*place].group.nonce);
                        }
                    }
                }
                Ok(written) => {
                    let failure = written.but_taken().err().unwrap_or(Failure::Late);
                    lost.extend(owners.iter().map(|(_, place)| (*place, Some(unavailable(Arc::new(failure.clone()))))));
                }
                Err(failure) => {
                    lost.extend(owners.iter().map(|(_, place)| (*place, Some(unavailable(Arc::new(failure.clone()))))));
                }
            }
        }
        if !over.is_empty() {
            let (mut statements, mut names) = (Vec::new(), Vec::new());
            for (statement, name, place) in over {
                statements.push(statement);
                names.push((name, place));
            }
            let all = self.records.take_over(statements).await;
            for (name, place) in names {
                match &all {
                    Ok(true) => drop(self.claimed.insert(name, parts[place].group.nonce)),
                    Ok(false) => {
                        // Somebody else may have it: look again.
                        self.claimed.remove(&name);
                        lost.entry(place).or_insert(None);
                    }
                    Err(failure) => drop(lost.insert(place, Some(unavailable(Arc::new(failure.clone()))))),
                }
            }
        }
        for (place, error) in &lost {
            if let Some(error) = error {
                let indexes: Vec<_> = parts[*place].batches.iter().map(|planned| planned.index).collect();
                self.fail(indexes, error);
            }
        }
        let mut place = 0;
        parts.retain(|_| {
            place += 1;
            !lost.contains_key(&(place - 1))
        });
        parts
    }

    /// Inserts all parts with one command, the outbox beside it.
    async fn insert(&mut self, mut parts: Vec<Part>) {
        let mut owners = Vec::new();
        let (mut documents, mut touched) = (Vec::new(), Vec::new());
        for (place, part) in parts.iter_mut().enumerate() {
            if part.documents.is_empty() {
                continue;
            }
            owners.extend(std::iter::repeat_n(place, part.documents.len()));
            documents.append(&mut part.documents);
            touched.push((part.before.cid, part.key.clone(), part.after.tail.seq));
        }
        if documents.is_empty() {
            for part in parts {
                self.done(part, None);
            }
            return;
        }
        let insert = self.records.db.insert("append", MESSAGES, documents);
        let (inserted, noted) = tokio::join!(insert, self.outbox.note(touched));
        let noted = noted.err().map(|failure| AppendError::Unknown(Some(Arc::new(failure))));
        match inserted {
            Ok(written) => self.judge(parts, &owners, &written, noted.as_ref()).await,
            Err(failure @ Failure::NotDone(_)) => {
                for part in parts {
                    self.lose(&part, &unavailable(Arc::new(failure.clone())));
                }
            }
            Err(failure) => self.find_out(parts, &failure, noted.as_ref()).await,
        }
    }

    /// Reads every outcome of an insert.
    async fn judge(&mut self, parts: Vec<Part>, owners: &[usize], written: &Written, noted: Option<&AppendError>) {
        let mut conflicts: HashSet<usize> = HashSet::new();
        conflicts.extend(written.taken.iter().filter_map(|index| owners.get(*index)));
        let refused = written.refused.as_ref().map(|(_, reason)| Failure::Refused(reason.clone()));
        let unconfirmed = written.unconfirmed.as_ref().map(|reason| Failure::NotMajority(reason.clone()));
        for (place, part) in parts.into_iter().enumerate() {
            if owners.binary_search(&place).is_err() {
                self.done(part, None);
            } else if let Some(failure) = &unconfirmed {
                let source: Source = Arc::new(failure.clone());
                let taken = conflicts.contains(&place);
                let error = if taken { unavailable(source) } else { AppendError::Unknown(Some(source)) };
                self.lose(&part, &error);
            } else if conflicts.contains(&place) || refused.is_some() {
                self.look_back(part, refused.as_ref(), noted).await;
            } else {
                self.done(part, noted);
            }
        }
    }

    /// Some of a part's records were not inserted, or the server said so.
    async fn look_back(&mut self, part: Part, refused: Option<&Failure>, noted: Option<&AppendError>) {
        match (self.records.is_whole(part.before.cid, part.group).await, refused) {
            // They are all ours: it was our own insert that was met, sent twice on the way.
            (Ok(true), _) => self.done(part, noted),
            (Ok(false), None) => {
                let name = Cid::of(&part.key, 0);
                self.records.heads.forget(name);
                self.broken.insert(name, part.group.nonce);
                if let Err(error) = self.records.withdraw(part.before.cid, part.group).await {
                    tracing::debug!(%error, "records beside an erasure stay until it is tidied up");
                }
            }
            (Ok(false), Some(failure)) => self.lose(&part, &unavailable(Arc::new(failure.clone()))),
            (Err(error), _) => self.lose(&part, &AppendError::Unknown(Some(Arc::new(error)))),
        }
    }

    /// Nothing was heard of an insert. If the majority has all of it, it is durable, and that is an answer.
    async fn find_out(&mut self, parts: Vec<Part>, failure: &Failure, noted: Option<&AppendError>) {
        let records = self.records;
        let answers = !matches!(failure, Failure::Late) && records.db.ping().await.is_ok();
        let mut looks = Vec::with_capacity(parts.len());
        for part in parts {
            looks.push(async move {
                let whole = answers
                    && (part.group.count == 0 || records.is_whole(part.before.cid, part.group).await.unwrap_or(false));
                (part, whole)
            });
        }
        let looks: Vec<_> = futures_util::stream::iter(looks).buffer_unordered(BESIDE).collect().await;
        for (part, whole) in looks {
            if whole {
                self.done(part, noted);
            } else {
                self.lose(&part, &AppendError::Unknown(Some(Arc::new(failure.clone()))));
            }
        }
    }

    /// A part is durable, or had nothing to store.
    fn done(&mut self, part: Part, noted: Option<&AppendError>) {
        if part.group.count > 0 {
            self.records.heads.stands(Cid::of(&part.key, 0), part.after);
        }
        for planned in part.batches {
            let inserted = planned.outcome.as_ref().is_ok_and(|appended| appended.inserted > 0);
            if planned.outcome.is_ok()
                && let Some(name) = self.names[planned.index]
            {
                // From now on the claim is like anybody's: another batch with the key is told what it says.
                self.claimed.remove(&name);
            }
            self.outcomes[planned.index] = Some(match noted {
                Some(error) if inserted => Err(error.clone()),
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

fn draft(entry: &Entry) -> Option<&Draft> {
    match entry {
        Entry::Posted(draft) => Some(draft),
        Entry::Ended(_) => None,
    }
}

fn unavailable(source: Source) -> AppendError {
    AppendError::Unavailable(Some(source))
}
