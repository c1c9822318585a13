//! The log, views and keys over MongoDB (5.0 or newer), or a server that speaks its protocol.
//!
//! Its one law: what is acknowledged was confirmed by the majority and its journal; what the majority does not know
//! is not built upon. There is no transaction, no TTL or partial index and no change stream anywhere.
//!
//! - [`url`]: where the database is
//! - `db`: every call to the driver; `failure`: its errors
//! - `schema`: collections and indexes; `place`, `fields`: names and fields of documents
//! - [`log`]: the log; [`views`]: read models, summaries, leases; [`keys`]: API keys; [`audit`]: who erased what, and users that are being erased

pub mod audit;
mod db;
mod failure;
mod fields;
pub mod keys;
pub mod log;
mod place;
pub mod schema;
pub mod url;
pub mod views;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mongodb::Client;
use mongodb::error::ErrorKind;
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;
use mongodb::options::{Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};
use shared::ports::{IdSource, StoreError};

pub use self::audit::MongoAuditStore;
use self::db::Db;
pub use self::keys::MongoKeyStore;
pub use self::log::MongoMessageLog;
pub use self::url::{MongoUrl, MongoUrlError};
pub use self::views::MongoViewStore;

/// How long a server is looked for, and how long connecting to it may take, where the URL says nothing.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How long DNS may take to tell the hosts of a name.
const RESOLVE_LIMIT: Duration = Duration::from_secs(10);

/// Where the database is, and how it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MongoConfig {
    /// Where.
    pub url: MongoUrl,
    /// The most connections to each server, where the URL says nothing. At least the lanes and as many reads.
    pub pool: u32,
    /// How long one call may take. More than the 5 s that a majority has for confirming.
    pub limit: Duration,
}

impl MongoConfig {
    /// The usual: 64 connections, 10 s for a call.
    #[must_use]
    pub fn new(url: MongoUrl) -> Self {
        Self { url, pool: 64, limit: Duration::from_secs(10) }
    }
}

/// The adapters over one pool of connections.
#[derive(Clone)]
pub struct MongoStore {
    /// The truth.
    pub log: Arc<MongoMessageLog>,
    /// What is derived from it.
    pub views: Arc<MongoViewStore>,
    /// API keys.
    pub keys: Arc<MongoKeyStore>,
    /// Who erased what, and users that are being erased.
    pub audit: Arc<MongoAuditStore>,
    db: Arc<Db>,
}

/// Told the name of each command that is sent.
pub type Watch = Arc<dyn Fn(&str) + Send + Sync>;

impl MongoStore {
    /// Makes the adapters. Connects to nothing but DNS, and to that only for a name: the first call does, and each call looks for a server anew, so a
    /// database that comes late or goes and returns needs no help. Must be called within a runtime.
    pub async fn connect(config: &MongoConfig, ids: Arc<dyn IdSource>) -> Result<Self, MongoUrlError> {
        Self::connect_watched(config, ids, None).await
    }

    /// The same, telling `watch` of each command: for counting them in tests.
    pub async fn connect_watched(
        config: &MongoConfig,
        ids: Arc<dyn IdSource>,
        watch: Option<Watch>,
    ) -> Result<Self, MongoUrlError> {
        let mut options = parse(&config.url).await?;
        options.app_name.get_or_insert_with(|| "recap".to_owned());
        options.server_selection_timeout.get_or_insert(CONNECT_LIMIT);
        options.connect_timeout.get_or_insert(CONNECT_LIMIT);
        options.max_pool_size.get_or_insert(config.pool);
        options.max_connecting.get_or_insert(8);
        // A write that is sent twice by the driver would be taken for somebody else's. Retries are made here, where
        // their meaning is known.
        options.retry_writes = Some(false);
        // Law: heads, records and views come from the majority, and from the server that takes the writes.
        options.read_concern = Some(ReadConcern::majority());
        options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        let durable = WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(db::MAJORITY_LIMIT);
        options.write_concern = Some(durable.build());
        if let Some(watch) = watch {
            options.command_event_handler = Some(EventHandler::callback(move |event| {
                if let CommandEvent::Started(started) = event {
                    watch(&started.command_name);
                }
            }));
        }
        let client = Client::with_options(options).map_err(|_| MongoUrlError::Syntax)?;
        let db = Arc::new(Db::new(client, config.url.database(), config.limit));
        Ok(Self {
            log: Arc::new(MongoMessageLog::new(Arc::clone(&db), Arc::clone(&ids))),
            views: Arc::new(MongoViewStore::new(Arc::clone(&db), ids)),
            keys: Arc::new(MongoKeyStore::new(Arc::clone(&db))),
            audit: Arc::new(MongoAuditStore::new(Arc::clone(&db))),
            db,
        })
    }

    /// Makes the indexes that are missing. Cheap when none is; several processes may do so at once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        Ok(schema::migrate(&self.db).await?)
    }

    /// Indexes that are missing, as `collection.name`.
    pub async fn missing_indexes(&self) -> Result<Vec<String>, StoreError> {
        Ok(schema::missing(&self.db).await?)
    }

    /// Whether a server that takes writes answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.db.ping().await?)
    }

    /// Closes the connections. Calls made later fail.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

/// What the URL says; of a `mongodb+srv` name, what DNS says too.
async fn parse(url: &MongoUrl) -> Result<ClientOptions, MongoUrlError> {
    match tokio::time::timeout(RESOLVE_LIMIT, ClientOptions::parse(url.secret())).await {
        Ok(Ok(options)) => Ok(options),
        Ok(Err(error)) if !matches!(&*error.kind, ErrorKind::DnsResolve { .. }) => Err(MongoUrlError::Syntax),
        Ok(Err(_)) | Err(_) => Err(MongoUrlError::Unresolved),
    }
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore").finish_non_exhaustive()
    }
}
