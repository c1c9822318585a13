//! Which conversations reached which seq, in order of time: what the reconciler reads. Law: one document at a time
//! is on its way, and what is touched meanwhile goes into the next; a reply waits for the one that names it.

use std::collections::HashMap;
use std::sync::Arc;

use mongodb::bson::{RawArrayBuf, RawDocumentBuf, cstr, rawdoc};
use parking_lot::Mutex;
use shared::domain::ConversationKey;
use tokio::sync::oneshot;

use super::super::db::Db;
use super::super::failure::Failure;
use super::super::fields::stored;
use super::super::place::{Cid, binary};
use super::super::schema::COMMITS;

/// Conversations in one document: far below the 16 MiB that a document may have.
const TOUCHED: usize = 5_000;

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
    pub(super) async fn note(self: &Arc<Self>, touched: Vec<(Cid, ConversationKey, u64)>) -> Result<(), Failure> {
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
    let mut documents = Vec::new();
    let mut reached = RawArrayBuf::new();
    let mut count = 0;
    for (cid, (key, seq)) in touched {
        reached.push(rawdoc! {
            "c": binary(&cid.0),
            "t": key.tenant.as_str(),
            "v": key.conversation.as_str(),
            "s": stored(seq),
        });
        count += 1;
        if count == TOUCHED {
            documents.push(document(std::mem::take(&mut reached)));
            count = 0;
        }
    }
    if count > 0 {
        documents.push(document(reached));
    }
    documents
}

// Without `_id`: the server gives it, by its own clock, so that the clocks of the replicas do not matter.
fn document(reached: RawArrayBuf) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    document.append(cstr!("r"), reached);
    document
}
