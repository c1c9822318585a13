//! Every call to the driver. Laws: a caller that goes away or waits too long never drops a running call, and no call
//! is waited for longer than its limit; every outcome of a write is read.

mod sum;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, RawDocumentBuf, cstr, doc, rawdoc};
use mongodb::error::ErrorKind;
use mongodb::options::{FindOptions, InsertManyOptions, ReadConcern, WriteConcern};
use mongodb::{Client, Database};
use parking_lot::Mutex;

use super::failure::Failure;

/// How long the majority may take to confirm a write.
pub(super) const MAJORITY_LIMIT: Duration = Duration::from_secs(5);
/// A call that hangs longer than this loses its connection: nobody has waited for it for long.
const ABANDONED: Duration = Duration::from_mins(1);
/// How long the driver's background work may take to end.
const CLOSING: Duration = Duration::from_secs(1);
/// The code of a document whose key is taken.
const DUPLICATE_KEY: i32 = 11000;
/// Bytes of statements in one command; servers take 16 MiB.
const COMMAND_BYTES: usize = 8 * 1024 * 1024;
/// Statements in one command.
const COMMAND_STATEMENTS: usize = 1000;

/// The database, and how long one call may take.
pub(super) struct Db {
    client: Client,
    database: Database,
    limit: Duration,
    /// When all indexes were seen last.
    pub(super) indexed: Mutex<Option<Instant>>,
}

/// How documents are found.
#[derive(Debug, Clone, Default)]
pub(super) struct Finding {
    pub(super) sort: Option<Document>,
    pub(super) projection: Option<Document>,
    pub(super) skip: u64,
    /// 0 is all.
    pub(super) limit: usize,
}

impl Finding {
    pub(super) fn first(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    pub(super) fn sorted(sort: Document, limit: usize) -> Self {
        Self { sort: Some(sort), limit, ..Self::default() }
    }

    #[must_use]
    pub(super) fn only(mut self, projection: Document) -> Self {
        self.projection = Some(projection);
        self
    }
}

/// What became of the statements of a write.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    /// Documents inserted, matched or deleted.
    pub(super) matched: u64,
    /// Statements that inserted a document where none matched.
    pub(super) upserted: Vec<usize>,
    /// Statements whose document's key was taken.
    pub(super) taken: Vec<usize>,
    /// The first other error of a statement.
    pub(super) refused: Option<(usize, String)>,
    /// Why the majority has not confirmed what was written.
    pub(super) unconfirmed: Option<String>,
}

impl Written {
    /// Whether all statements were done and confirmed. A taken key is a refusal here.
    pub(super) fn all(&self) -> Result<(), Failure> {
        if let Some(index) = self.taken.first() {
            return Err(Failure::Refused(format!("the key of statement {index} is taken")));
        }
        self.but_taken()
    }

    /// Whether all statements but those whose key was taken were done and confirmed.
    pub(super) fn but_taken(&self) -> Result<(), Failure> {
        if let Some((_, reason)) = &self.refused {
            return Err(Failure::Refused(reason.clone()));
        }
        match &self.unconfirmed {
            Some(reason) => Err(Failure::NotMajority(reason.clone())),
            None => Ok(()),
        }
    }

    fn error(&mut self, index: usize, code: i32, message: &str) {
        if code == DUPLICATE_KEY {
            self.taken.push(index);
        } else if self.refused.is_none() {
            self.refused = Some((index, format!("{message} (code {code})")));
        }
    }

    fn add(&mut self, first: usize, part: Self) {
        self.matched += part.matched;
        self.upserted.extend(part.upserted.into_iter().map(|index| first + index));
        self.taken.extend(part.taken.into_iter().map(|index| first + index));
        let refused = part.refused.map(|(index, reason)| (first + index, reason));
        self.refused = self.refused.take().or(refused);
        self.unconfirmed = self.unconfirmed.take().or(part.unconfirmed);
    }
}

impl Db {
    pub(super) fn new(client: Client, name: &str, limit: Duration) -> Self {
        let database = client.database(name);
        Self { client, database, limit, indexed: Mutex::new(None) }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    /// Ends the driver's background work.
    pub(super) async fn close(&self) {
        let closing = self.client.clone().shutdown().immediate(true);
        // Nothing is left to be done for a client that does not end in time, such as one that asks DNS now and then.
        let _ = tokio::time::timeout(CLOSING, async { closing.await }).await;
    }

    /// Runs a call to its end on a task of its own, and waits for it up to the limit.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        op: &'static str,
        work: impl Future<Output = mongodb::error::Result<T>> + Send + 'static,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        let running = tokio::spawn(tokio::time::timeout(ABANDONED, work));
        let ended = tokio::time::timeout(self.limit, running).await;
        metrics::histogram!("recap_store_query_duration_seconds", "op" => op).record(started.elapsed());
        match ended {
            Ok(Ok(Ok(result))) => result.map_err(Failure::from),
            Ok(Ok(Err(_))) | Err(_) => Err(Failure::Late),
            Ok(Err(stopped)) => Err(Failure::Unknown(Arc::new(stopped))),
        }
    }

    /// Finds documents, as the majority knows them.
    pub(super) async fn find(
        &self,
        op: &'static str,
        collection: &'static str,
        filter: Document,
        finding: Finding,
    ) -> Result<Vec<RawDocumentBuf>, Failure> {
        let collection = self.database.collection::<RawDocumentBuf>(collection);
        let batch = u32::try_from(finding.limit).ok().filter(|limit| *limit > 0);
        let options = FindOptions::builder()
            .sort(finding.sort)
            .projection(finding.projection)
            .skip(Some(finding.skip).filter(|skip| *skip > 0))
            .limit(i64::try_from(finding.limit).ok().filter(|limit| *limit > 0))
            // One more, so that a full batch still ends the cursor.
            .batch_size(batch.map(|limit| limit.saturating_add(1)))
            .max_time(self.limit)
            .read_concern(ReadConcern::majority())
            .build();
        self.call(op, async move { collection.find(filter).with_options(options).await?.try_collect().await }).await
    }

    /// How many documents there are, up to `most`.
    pub(super) async fn count(
        &self,
        op: &'static str,
        collection: &'static str,
        filter: Document,
        most: Option<u64>,
    ) -> Result<u64, Failure> {
        let collection = self.database.collection::<Document>(collection);
        let options = mongodb::options::CountOptions::builder()
            .limit(most)
            .max_time(self.limit)
            .read_concern(ReadConcern::majority())
            .build();
        self.call(op, async move { collection.count_documents(filter).with_options(options).await }).await
    }

    /// Inserts documents, each on its own. One command, unless they pass the server's limits.
    pub(super) async fn insert(
        &self,
        op: &'static str,
        collection: &'static str,
        documents: Vec<RawDocumentBuf>,
    ) -> Result<Written, Failure> {
        let count = documents.len();
        let collection = self.database.collection::<RawDocumentBuf>(collection);
        let options = InsertManyOptions::builder().ordered(false).write_concern(durable()).build();
        let insert = async move {
            match collection.insert_many(documents).with_options(options).await {
                Ok(_) => Ok(Written { matched: count as u64, ..Written::default() }),
                Err(error) => match &*error.kind {
                    ErrorKind::InsertMany(failed) => {
                        let mut written = Written::default();
                        for error in failed.write_errors.iter().flatten() {
                            written.error(error.index, error.code, &error.message);
                        }
                        let failed_statements = failed.write_errors.as_ref().map_or(0, Vec::len);
                        written.matched = count.saturating_sub(failed_statements) as u64;
                        let concern = failed.write_concern_error.as_ref();
                        written.unconfirmed = concern.map(|e| format!("{} (code {})", e.message, e.code));
                        Ok(written)
                    }
                    _ => Err(error),
                },
            }
        };
        self.call(op, insert).await
    }

    /// Inserts documents that have no `_id`: the server gives one of its own time. One command.
    pub(super) async fn insert_unnamed(
        &self,
        op: &'static str,
        collection: &'static str,
        documents: Vec<RawDocumentBuf>,
    ) -> Result<Written, Failure> {
        let mut command = rawdoc! { "insert": collection, "ordered": false };
        command.append(cstr!("writeConcern"), durable_document());
        command.append(cstr!("documents"), array(documents));
        self.write(op, command).await
    }

    /// Runs update statements (`{q, u, upsert, multi}`). In order: the first error ends it.
    pub(super) async fn update(
        &self,
        op: &'static str,
        collection: &'static str,
        statements: Vec<RawDocumentBuf>,
        ordered: bool,
    ) -> Result<Written, Failure> {
        let mut written = Written::default();
        let mut first = 0;
        for part in parts(statements) {
            let count = part.len();
            let mut command = rawdoc! { "update": collection, "ordered": ordered };
            command.append(cstr!("writeConcern"), durable_document());
            command.append(cstr!("updates"), array(part));
            written.add(first, self.write(op, command).await?);
            first += count;
            if ordered && (written.refused.is_some() || !written.taken.is_empty()) {
                break;
            }
        }
        Ok(written)
    }

    /// Deletes what the filters match.
    pub(super) async fn delete(
        &self,
        op: &'static str,
        collection: &'static str,
        filters: Vec<RawDocumentBuf>,
    ) -> Result<Written, Failure> {
        let statements = filters.into_iter().map(|filter| rawdoc! { "q": filter, "limit": 0 }).collect();
        let mut written = Written::default();
        for part in parts(statements) {
            let mut command = rawdoc! { "delete": collection, "ordered": false };
            command.append(cstr!("writeConcern"), durable_document());
            command.append(cstr!("deletes"), array(part));
            written.add(0, self.write(op, command).await?);
        }
        Ok(written)
    }

    async fn write(&self, op: &'static str, command: RawDocumentBuf) -> Result<Written, Failure> {
        let database = self.database.clone();
        let reply = self.call(op, async move { database.run_raw_command(command).await }).await?;
        Ok(read_written(&reply))
    }

    /// Runs a command that changes nothing.
    pub(super) async fn command(&self, op: &'static str, command: Document) -> Result<Document, Failure> {
        let database = self.database.clone();
        self.call(op, async move { database.run_command(command).await }).await
    }

    /// Whether a server that takes writes is there.
    pub(super) async fn ping(&self) -> Result<(), Failure> {
        self.command("ping", doc! { "ping": 1 }).await.map(|_| ())
    }
}

fn durable() -> WriteConcern {
    WriteConcern::builder()
        .w(mongodb::options::Acknowledgment::Majority)
        .journal(true)
        .w_timeout(MAJORITY_LIMIT)
        .build()
}

fn durable_document() -> RawDocumentBuf {
    rawdoc! { "w": "majority", "j": true, "wtimeout": i64::try_from(MAJORITY_LIMIT.as_millis()).unwrap_or(5000) }
}

fn array(documents: Vec<RawDocumentBuf>) -> mongodb::bson::RawArrayBuf {
    let mut array = mongodb::bson::RawArrayBuf::new();
    for document in documents {
        array.push(document);
    }
    array
}

/// Statements cut into commands.
fn parts(statements: Vec<RawDocumentBuf>) -> Vec<Vec<RawDocumentBuf>> {
    let (mut parts, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
    for statement in statements {
        let size = statement.as_bytes().len();
        if !part.is_empty() && (bytes + size > COMMAND_BYTES || part.len() == COMMAND_STATEMENTS) {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += size;
        part.push(statement);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

fn read_written(reply: &Document) -> Written {
    let int = |document: &Document, name: &str| match document.get(name) {
        Some(mongodb::bson::Bson::Int32(number)) => i64::from(*number),
        Some(mongodb::bson::Bson::Int64(number)) => *number,
        _ => 0,
    };
    let index = |document: &Document| usize::try_from(int(document, "index")).unwrap_or(0);
    let list = |name: &str| {
        let values = reply.get_array(name).map(Vec::as_slice).unwrap_or_default();
        values.iter().filter_map(mongodb::bson::Bson::as_document)
    };
    let mut written = Written { matched: int(reply, "n").unsigned_abs(), ..Written::default() };
    written.upserted = list("upserted").map(index).collect();
    for error in list("writeErrors") {
        let code = i32::try_from(int(error, "code")).unwrap_or(0);
        written.error(index(error), code, error.get_str("errmsg").unwrap_or_default());
    }
    if let Ok(concern) = reply.get_document("writeConcernError") {
        let message = concern.get_str("errmsg").unwrap_or_default();
        written.unconfirmed = Some(format!("{message} (code {})", int(concern, "code")));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_of_a_reply_is_read() {
        let reply = doc! {
            "n": 3, "nModified": 1,
            "upserted": [{ "index": 2, "_id": 1 }],
            "writeErrors": [
                { "index": 0, "code": 11000, "errmsg": "taken" },
                { "index": 4_i64, "code": 8, "errmsg": "odd" },
                { "index": 5, "code": 9, "errmsg": "odder" },
            ],
            "writeConcernError": { "code": 64, "errmsg": "waiting for replication timed out" },
        };
        let written = read_written(&reply);
        assert_eq!((written.matched, &written.upserted[..], &written.taken[..]), (3, &[2][..], &[0][..]));
        assert_eq!(written.refused, Some((4, "odd (code 8)".to_owned())));
        assert!(written.unconfirmed.as_ref().is_some_and(|reason| reason.contains("64")));
        assert!(matches!(written.all(), Err(Failure::Refused(_))));
        assert!(matches!(Written { refused: None, ..written }.but_taken(), Err(Failure::NotMajority(_))));
        assert!(read_written(&doc! { "n": 1 }).all().is_ok());
    }

    #[test]
    fn commands_are_cut_by_bytes_and_by_number() {
        let large = rawdoc! { "x": "y".repeat(COMMAND_BYTES / 2) };
        assert_eq!(parts(vec![large; 3]).iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(parts(vec![rawdoc! {}; 2500]).iter().map(Vec::len).collect::<Vec<_>>(), [1000, 1000, 500]);
        assert!(parts(vec![]).is_empty());
    }
}
