//! Which conversations reached which seq, in order of time: what the reconciler reads. Law: one document at a time
//! is on its way, and what is touched meanwhile goes into the next; a reply waits for the one that names it.

use std::collections::HashMap;
use std::sync::Arc;

use mongodb::bson::{RawArray, RawBsonRef, RawDocument, RawDocumentBuf, rawdoc};
use parking_lot::Mutex;
use shared::domain::{ConversationId, ConversationKey, Seq, TenantId};
use shared::ports::{Reach, StoreError};
use tokio::sync::oneshot;

use super::super::db::Db;
use super::super::failure::{Failure, corrupt, missing};
use super::super::fields::{bytes, count, text};
use super::super::place::{Cid, binary, joined, split};
use super::super::schema::COMMITS;

/// Conversations in one document: far below the 16 MiB that a document may have.
const TOUCHED: usize = 5_000;
/// Bytes of a place.
const PLACE: usize = 24;

/// A conversation and the seq that it reaches.
pub(super) type Touched = (Cid, ConversationKey, u64);

/// The one writer of `commits`.
pub(super) struct Outbox {
    db: Arc<Db>,
    next: Mutex<Next>,
}

#[derive(Default)]
struct Next {
    writing: bool,
    touched: HashMap<Cid, (ConversationKey, u64)>,
    waiting: Vec<oneshot::Sender<Result<(), Failure>>>,
}

impl Outbox {
    pub(super) fn new(db: Arc<Db>) -> Self {
        Self { db, next: Mutex::default() }
    }

    /// Notes that conversations reach these seqs; durable when it answers.
    pub(super) async fn note(self: &Arc<Self>, touched: Vec<Touched>) -> Result<(), Failure> {
        let (tell, told) = oneshot::channel();
        let idle = {
            let mut next = self.next.lock();
            for (cid, key, seq) in touched {
                let known = next.touched.entry(cid).or_insert((key, 0));
                known.1 = known.1.max(seq);
            }
            next.waiting.push(tell);
            !std::mem::replace(&mut next.writing, true)
        };
        if idle {
            // Ends by itself when nothing waits any more.
            tokio::spawn(Arc::clone(self).write());
        }
        told.await.unwrap_or(Err(Failure::Late))
    }

    async fn write(self: Arc<Self>) {
        loop {
            let (touched, waiting) = {
                let mut next = self.next.lock();
                if next.waiting.is_empty() {
                    next.writing = false;
                    return;
                }
                (std::mem::take(&mut next.touched), std::mem::take(&mut next.waiting))
            };
            let documents = documents(touched);
            let mut result = self.store(documents.clone()).await;
            if result.is_err() {
                result = self.store(documents).await;
            }
            for waiter in waiting {
                // A caller that has gone does not hear of it.
                let _ = waiter.send(result.clone());
            }
        }
    }

    async fn store(&self, documents: Vec<RawDocumentBuf>) -> Result<(), Failure> {
        self.db.insert_unnamed("commit", COMMITS, documents).await?.all()
    }
}

fn documents(touched: HashMap<Cid, (ConversationKey, u64)>) -> Vec<RawDocumentBuf> {
    let touched: Vec<_> = touched.into_iter().collect();
    touched.chunks(TOUCHED).map(document).collect()
}

/// The places of the last records (`_id` as in `messages`) one behind the other, and a line for each with the names.
/// Two values, however many conversations: what a server pays for is values, and this is written with every commit.
/// Without `_id`: the server gives it, by its own clock, so that the clocks of the replicas do not matter.
fn document(touched: &[(Cid, (ConversationKey, u64))]) -> RawDocumentBuf {
    let mut places = Vec::with_capacity(touched.len() * PLACE);
    let mut names = String::new();
    for (cid, (key, seq)) in touched {
        places.extend_from_slice(&joined(*cid, *seq));
        for part in [key.tenant.as_str(), "\t", key.conversation.as_str(), "\n"] {
            names.push_str(part);
        }
    }
    rawdoc! { "p": binary(&places), "n": names }
}

/// What a document tells. Ids hold no control characters, so names end where they seem to. Documents of the first
/// shape are there for a day after an upgrade.
pub(super) fn read(document: &RawDocument) -> Result<Vec<(Cid, Reach)>, StoreError> {
    if let Ok(list) = document.get_array("r") {
        return read_list(list);
    }
    let (places, names) = (bytes(document, "p")?.chunks(PLACE), text(document, "n")?.lines());
    if places.len() != names.clone().count() {
        return Err(missing("a commit's conversation"));
    }
    let mut reached = Vec::with_capacity(places.len());
    for (place, name) in places.zip(names) {
        let (cid, seq) = split(place).ok_or_else(|| missing("a commit's place"))?;
        let (tenant, name) = name.split_once('\t').ok_or_else(|| missing("a commit's name"))?;
        reached.push((cid, reach(tenant, name, seq)?));
    }
    Ok(reached)
}

fn read_list(list: &RawArray) -> Result<Vec<(Cid, Reach)>, StoreError> {
    let mut reached = Vec::new();
    for value in list {
        let Ok(RawBsonRef::Document(entry)) = value else { return Err(missing("a commit's conversation")) };
        let cid: [u8; 16] = bytes(entry, "c")?.try_into().map_err(|error| corrupt("a commit", error))?;
        reached.push((Cid(cid), reach(text(entry, "t")?, text(entry, "v")?, count(entry, "s")?)?));
    }
    Ok(reached)
}

fn reach(tenant: &str, name: &str, seq: u64) -> Result<Reach, StoreError> {
    let tenant = TenantId::parse(tenant).map_err(|error| corrupt("a commit's tenant", error))?;
    let name = ConversationId::parse(name).map_err(|error| corrupt("a commit's name", error))?;
    Ok(Reach { key: ConversationKey::new(tenant, name), seq: Seq(seq) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(tenant: &str, name: &str) -> ConversationKey {
        ConversationKey::new(TenantId::parse(tenant).unwrap(), ConversationId::parse(name).unwrap())
    }

    #[test]
    fn what_is_noted_is_read() {
        let touched = [
            (Cid([1; 16]), (key("public", " \"a\u{2028}\\ "), 7)),
            (Cid([0; 16]), (key("é", "tab or line, neither"), u64::MAX)),
        ];
        let read_back = read(&document(&touched)).unwrap();
        let expected = touched.map(|(cid, (key, seq))| (cid, Reach { key, seq: Seq(seq) }));
        assert_eq!(read_back, expected);
        let number = |count: usize| {
            let one = |n: usize| (Cid((n as u128).to_be_bytes()), (key("t", &n.to_string()), 1));
            let documents = documents((0..count).map(one).collect());
            documents.iter().map(|document| read(document).unwrap().len()).collect::<Vec<_>>()
        };
        assert_eq!((number(1), number(TOUCHED + 1)), (vec![1], vec![TOUCHED, 1]));
    }

    #[test]
    fn documents_of_the_first_shape_are_read() {
        let first = rawdoc! { "r": [{ "c": binary(&[1; 16]), "t": "public", "v": "a", "s": 7_i64 }] };
        assert_eq!(read(&first).unwrap(), read(&document(&[(Cid([1; 16]), (key("public", "a"), 7))])).unwrap());
        assert!(read(&rawdoc! { "r": [7] }).is_err());
    }

    #[test]
    fn what_does_not_fit_is_corrupt() {
        let places = |count: usize| binary(&vec![1; count]);
        for (places, names) in
            [(places(24), ""), (places(24), "t\ta\nt\tb\n"), (places(23), "t\ta\n"), (places(24), "a\n")]
        {
            assert!(read(&rawdoc! { "p": places, "n": names }).is_err(), "{names:?}");
        }
    }
}
