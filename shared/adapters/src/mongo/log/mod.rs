//! The log of all conversations, the truth (append, and what project and query read).
//!
//! Its one law: an answered batch is confirmed by the majority and its journal, a batch is seen whole or not at all,
//! and seqs have no holes.
//!
//! - `document`: records as documents; `visible`: which of them count, decided by pure functions
//! - `commit`: one call of append: `plan`, `claims` (idempotency keys), `outbox` and the insert; `busy`, `heads`: what
//!   this process knows and works on
//! - `change`: messages edited and erased
//! - `settle`: what a crash or another replica left is brought in order
//! - `records`, `page`, `runs`, `single`, `written`: what readers ask
//! - `arrivals`: the outbox read, and what is old removed; `listing`: all conversations
//! - `erase`: a conversation taken away

mod arrivals;
mod busy;
mod change;
mod claims;
mod commit;
mod document;
mod erase;
mod heads;
mod listing;
mod outbox;
mod page;
mod plan;
mod records;
mod runs;
mod settle;
mod single;
mod tail;
mod visible;
mod written;

use std::sync::Arc;

use async_trait::async_trait;
use mongodb::bson::doc;
use shared::domain::{ConversationKey, Record, Seq, TenantId, Timestamp, UserId};
use shared::ports::{
    Append, AppendError, Appended, ArrivalMark, Arrivals, ConversationMark, Conversations, Head, IdSource, MessageLog,
    Page, PageQuery, StoreError, Written, WrittenMark,
};

use self::arrivals::Commits;
use self::busy::Busy;
use self::commit::Commit;
use self::outbox::Outbox;
use self::records::Records;
use self::runs::Runs;
use self::tail::Kind;
use super::db::{Db, Finding};
use super::place::Cid;
use super::schema::{self, between};

/// The log in a database.
pub struct MongoMessageLog {
    inner: Arc<Inner>,
}

struct Inner {
    records: Records,
    outbox: Arc<Outbox>,
    commits: Commits,
    busy: Arc<Busy>,
}

impl MongoMessageLog {
    pub(super) fn new(db: Arc<Db>, ids: Arc<dyn IdSource>) -> Self {
        let outbox = Arc::new(Outbox::new(Arc::clone(&db)));
        let records = Records::new(db, ids);
        Self { inner: Arc::new(Inner { records, outbox, commits: Commits::new(), busy: Arc::default() }) }
    }

    /// Runs work to its end, even when nobody waits for it any more.
    async fn run<T, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> Option<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        tokio::spawn(work(Arc::clone(&self.inner))).await.ok()
    }
}

impl Inner {
    async fn append(&self, batches: &[Append]) -> Vec<Result<Appended, AppendError>> {
        let commit = Commit::new(&self.records, &self.outbox, batches);
        let _held = self.busy.hold(commit.busy()).await;
        commit.run().await
    }

    async fn erase(&self, key: &ConversationKey) -> Result<bool, StoreError> {
        let _held = self.busy.hold(vec![Cid::of(key, 0).0]).await;
        self.records.erase(key).await
    }

    /// Changes of messages that a crash has cut short get their records. A failure waits for the next time.
    async fn finish_changes(&self) {
        let unfinished = match self.records.unfinished(100).await {
            Ok(unfinished) => unfinished,
            Err(error) => return tracing::warn!(%error, "unfinished changes were not looked for"),
        };
        for append in unfinished {
            for outcome in self.append(&[append]).await {
                if let Err(error) = outcome {
                    tracing::warn!(%error, "a change of a message is not finished; it will be tried again");
                }
            }
        }
    }

    async fn head(&self, key: &ConversationKey) -> Result<Option<Head>, StoreError> {
        let Some(place) = self.records.head(key).await? else { return Ok(None) };
        let tail = place.tail;
        let mut last_message = tail.seq;
        if !tail.kind.is_message() && !tail.kind.is_change() {
            let mut filter = between(place.cid.record(1), place.cid.record(tail.seq));
            filter.insert("k", doc! { "$in": [null, 0, Kind::Late.code(), Kind::Edit.code(), Kind::Erasure.code()] });
            let found = self.records.skeletons("head", filter, Finding::sorted(doc! { "_id": -1 }, 1)).await?;
            last_message = found.first().map_or(0, document::Skeleton::seq);
        }
        let messages = match tail.erasures {
            0 => tail.seq - tail.others,
            _ => Runs::new(&self.records, place, (None, None)).await?.count().await?,
        };
        Ok(Some(Head {
            seq: Seq(tail.seq),
            last_message: Seq(last_message),
            messages,
            received_at: tail.received,
            ended: tail.ended,
        }))
    }
}

#[async_trait]
impl MessageLog for MongoMessageLog {
    async fn append(&self, batches: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let count = batches.len();
        metrics::histogram!("recap_append_batch_size").record(count as f64);
        let done = self.run(|inner| async move { inner.append(&batches).await }).await;
        done.unwrap_or_else(|| (0..count).map(|_| Err(AppendError::Unknown(None))).collect())
    }

    async fn read(&self, key: &ConversationKey, from: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.inner.records.read(key, from.0, limit).await
    }

    async fn records(&self, places: &[(ConversationKey, Seq)]) -> Result<Vec<Option<Record>>, StoreError> {
        self.inner.records.single(places).await
    }

    async fn page(&self, key: &ConversationKey, query: &PageQuery) -> Result<Option<Page>, StoreError> {
        page::page(&self.inner.records, key, query).await
    }

    async fn head(&self, key: &ConversationKey) -> Result<Option<Head>, StoreError> {
        self.inner.head(key).await
    }

    async fn arrivals(&self, mark: &ArrivalMark, limit: usize) -> Result<Arrivals, StoreError> {
        if self.inner.commits.tidy(&self.inner.records).await {
            self.run(|inner| async move { inner.finish_changes().await }).await;
        }
        self.inner.commits.after(&self.inner.records, mark, limit).await
    }

    async fn conversations(&self, after: &ConversationMark, limit: usize) -> Result<Conversations, StoreError> {
        self.inner.records.listed(after, limit).await
    }

    async fn erase(&self, key: &ConversationKey) -> Result<bool, StoreError> {
        let key = key.clone();
        self.run(|inner| async move { inner.erase(&key).await }).await.unwrap_or(Err(StoreError::Timeout))
    }

    async fn erasures(&self, limit: usize) -> Result<Vec<ConversationKey>, StoreError> {
        self.inner.records.erasures(limit).await
    }

    async fn erased(&self, key: &ConversationKey) -> Result<(), StoreError> {
        self.inner.records.erased_views(key).await
    }

    async fn written(
        &self,
        tenant: &TenantId,
        user: &UserId,
        until: Timestamp,
        mark: &WrittenMark,
        limit: usize,
    ) -> Result<Written, StoreError> {
        self.inner.records.written(tenant, user, until, mark, limit).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(schema::ready(&self.inner.records.db).await?)
    }
}
