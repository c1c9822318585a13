//! Collections and their indexes. Law: an index that a law of a port rests on is unique or it is reported missing.
//!
//! `_id` of `messages` is conversation and seq, so the index that every collection has is the order of the log. The
//! others hold only the messages that need them. There is no TTL index and no partial index: expiry is the
//! reconciler's work, and servers that speak the protocol without them serve too.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;

use super::db::Db;
use super::failure::Failure;

pub(super) const MESSAGES: &str = "messages";
pub(super) const COMMITS: &str = "commits";
pub(super) const IDEMPOTENCY: &str = "idempotency";
pub(super) const ERASURES: &str = "erasures";
pub(super) const VIEWS: &str = "views";
pub(super) const SUMMARIES: &str = "summaries";
pub(super) const GISTS: &str = "gists";
pub(super) const LEASES: &str = "leases";
pub(super) const DEAD_LETTERS: &str = "dead_letters";
pub(super) const CHECKPOINTS: &str = "checkpoints";
pub(super) const SPEND: &str = "spend";
pub(super) const KEYS: &str = "keys";
pub(super) const AUDIT: &str = "audit";
pub(super) const USER_ERASURES: &str = "user_erasures";

/// An index as it must be.
pub(super) struct Index {
    pub(super) collection: &'static str,
    pub(super) name: &'static str,
    pub(super) keys: &'static [(&'static str, i32)],
    pub(super) unique: bool,
    pub(super) sparse: bool,
}

/// All indexes but those of `_id`.
pub(super) const INDEXES: &[Index] = &[
    index(MESSAGES, "mid", &[("mid", 1)]).unique().sparse(),
    index(MESSAGES, "late", &[("late", 1)]).sparse(),
    index(MESSAGES, "gone", &[("gone", 1)]).sparse(),
    index(MESSAGES, "due", &[("due", 1)]).sparse(),
    index(IDEMPOTENCY, "at", &[("at", 1)]),
    index(VIEWS, "newest", &[("t", 1), ("nw", -1), ("n", 1)]).sparse(),
    index(VIEWS, "idle", &[("e", 1), ("rc", 1)]).sparse(),
    index(VIEWS, "uncovered", &[("un", 1), ("t", 1), ("n", 1)]).sparse(),
    index(VIEWS, "degraded", &[("dg", 1), ("nw", -1)]).sparse(),
    index(VIEWS, "history", &[("pt", 1), ("pu", 1), ("pl", -1)]).sparse(),
    index(KEYS, "prefix", &[("prefix", 1)]),
    index(USER_ERASURES, "run", &[("run", 1)]).sparse(),
];

const fn index(collection: &'static str, name: &'static str, keys: &'static [(&'static str, i32)]) -> Index {
    Index { collection, name, keys, unique: false, sparse: false }
}

impl Index {
    const fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    const fn sparse(self) -> Self {
        Self { sparse: true, ..self }
    }

    fn path(&self) -> String {
        format!("{}.{}", self.collection, self.name)
    }

    fn keys(&self) -> Document {
        self.keys.iter().map(|(name, order)| ((*name).to_owned(), Bson::Int32(*order))).collect()
    }

    fn model(&self) -> IndexModel {
        let options = IndexOptions::builder()
            .name(self.name.to_owned())
            .unique(self.unique.then_some(true))
            .sparse(self.sparse.then_some(true))
            .build();
        IndexModel::builder().keys(self.keys()).options(options).build()
    }

    /// Whether a server's index does what this one must. Servers that keep no `sparse` need none.
    fn is(&self, found: &IndexModel) -> bool {
        let unique = found.options.as_ref().and_then(|options| options.unique).unwrap_or(false);
        let same = self.keys.len() == found.keys.len()
            && self.keys.iter().zip(&found.keys).all(|((name, order), (found, value))| {
                let value = value.as_i32().map(f64::from).or(value.as_i64().map(|n| n as f64)).or(value.as_f64());
                name == found && value == Some(f64::from(*order))
            });
        same && unique == self.unique
    }
}

/// Makes what is missing. An index of the same name that differs is the server's to refuse.
pub(super) async fn migrate(db: &Db) -> Result<(), Failure> {
    let missing = missing(db).await?;
    let wanted = |index: &&Index| missing.contains(&index.path());
    let mut collections: Vec<&str> = INDEXES.iter().filter(wanted).map(|index| index.collection).collect();
    collections.dedup();
    for name in collections {
        let collection = db.database().collection::<Document>(name);
        let of_it = INDEXES.iter().filter(wanted).filter(|index| index.collection == name);
        let models: Vec<_> = of_it.map(Index::model).collect();
        db.call("migrate", async move { collection.create_indexes(models).await }).await?;
    }
    Ok(())
}

/// Indexes that are not there, or not as they must be, as `collection.name`.
pub(super) async fn missing(db: &Db) -> Result<Vec<String>, Failure> {
    let mut missing = Vec::new();
    let mut known: Option<(&str, Vec<IndexModel>)> = None;
    for index in INDEXES {
        if known.as_ref().is_none_or(|(name, _)| *name != index.collection) {
            let collection = db.database().collection::<Document>(index.collection);
            let listed = db.call("indexes", async move {
                match collection.list_indexes().await {
                    Ok(cursor) => cursor.try_collect::<Vec<_>>().await,
                    Err(error) if is_no_collection(&error) => Ok(Vec::new()),
                    Err(error) => Err(error),
                }
            });
            known = Some((index.collection, listed.await?));
        }
        let found = known.as_ref().is_some_and(|(_, listed)| listed.iter().any(|model| index.is(model)));
        if !found {
            missing.push(index.path());
        }
    }
    Ok(missing)
}

/// How long indexes that were seen are taken to be there.
const SEEN: Duration = Duration::from_secs(10);

/// Whether the database can serve: it answers, and no index is missing.
pub(super) async fn ready(db: &Db) -> Result<(), Failure> {
    db.ping().await?;
    if db.indexed.lock().is_some_and(|at| at.elapsed() < SEEN) {
        return Ok(());
    }
    let missing = missing(db).await?;
    if !missing.is_empty() {
        *db.indexed.lock() = None;
        let missing = missing.join(", ");
        return Err(Failure::Incomplete(format!("indexes are missing: {missing}; `recap migrate` makes them")));
    }
    *db.indexed.lock() = Some(Instant::now());
    Ok(())
}

/// Servers list no indexes of a collection that does not exist yet.
fn is_no_collection(error: &mongodb::error::Error) -> bool {
    matches!(&*error.kind, mongodb::error::ErrorKind::Command(command) if command.code == 26)
}

/// A description for tests: collection, name, unique, sparse.
#[must_use]
pub fn indexes() -> Vec<(&'static str, &'static str, bool, bool)> {
    INDEXES.iter().map(|index| (index.collection, index.name, index.unique, index.sparse)).collect()
}

/// A filter for documents that have an id of the range.
pub(super) fn between(from: mongodb::bson::Binary, to: mongodb::bson::Binary) -> Document {
    doc! { "_id": { "$gte": from, "$lte": to } }
}
