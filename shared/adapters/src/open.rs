//! A configuration turned into ports. Law: what is opened here is opened once, and closed in order.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use shared::ports::{
    AuditLog, EventBus, KeyStore, MessageLog, Ports, RateLimiter, StoreError, UserErasures, ViewStore,
};
use thiserror::Error;

use crate::channel_bus::ChannelEventBus;
#[cfg(feature = "redis")]
use crate::config::CacheUrl;
use crate::config::{BusUrl, StoreConfig, StoreUrl};
#[cfg(feature = "mongodb")]
use crate::mongo::{MongoConfig, MongoStore, MongoUrl, MongoUrlError};
#[cfg(feature = "nats")]
use crate::nats::{NatsConnectError, NatsEventBus};
use crate::rate_limiter::LocalRateLimiter;
#[cfg(feature = "redis")]
use crate::redis::{CachedViewStore, RedisLink, RedisRateLimiter};
use crate::sqlite::folder::{self, FolderError};
use crate::sqlite::{FormatError, SqliteAuditStore, SqliteKeyStore, SqliteMessageLog, SqliteViewStore};
use crate::system::{SystemClock, SystemIds};

/// How long a bus may take to send what waits.
#[cfg(feature = "nats")]
const BUS_CLOSE: Duration = Duration::from_secs(1);

/// Why what a process needs could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has the folder.
    #[error("the data folder {folder} is in use by another process: stop it, or choose another STORE_URL")]
    Taken {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder cannot be made or written.
    #[error("{path} cannot be used as data folder")]
    Folder {
        /// What could not be made.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file in it cannot be used.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A server that is needed does not answer yet.
    #[error("{server} is not there yet")]
    Away {
        /// Which one, without its password.
        server: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A setting of the database cannot be used.
    #[cfg(feature = "mongodb")]
    #[error("STORE_URL cannot be used")]
    MongoUrl(#[from] MongoUrlError),
    /// A setting of the bus cannot be used, or its server.
    #[cfg(feature = "nats")]
    #[error(transparent)]
    Nats(#[from] NatsConnectError),
    /// A setting of the cache cannot be used.
    #[cfg(feature = "redis")]
    #[error("REDIS_URL cannot be used")]
    Redis(#[from] ::redis::RedisError),
    /// The task that opens was stopped.
    #[error("opening was interrupted")]
    Interrupted,
}

impl OpenError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Away { source, .. } if source.is_transient())
    }
}

/// Opens everything that a configuration names.
pub async fn open(config: &StoreConfig) -> Result<Ports, OpenError> {
    open_closing(config).await.map(|(ports, _)| ports)
}

/// Opens everything, with what closes it at shutdown.
pub async fn open_closing(config: &StoreConfig) -> Result<(Ports, Closing), OpenError> {
    let mut closing = Closing { steps: Vec::new() };
    let store = open_store(config, &mut closing).await?;
    let bus = open_bus(config, &mut closing).await?;
    let (views, limiter) = open_cache(config, store.views, &bus)?;
    let ports = Ports {
        log: store.log,
        views,
        keys: store.keys,
        audit: store.audit,
        user_erasures: store.user_erasures,
        bus,
        limiter,
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
    };
    Ok((ports, closing))
}

/// Opens the API keys alone, which works while a server runs on the same store.
pub async fn open_keys(config: &StoreConfig) -> Result<Arc<dyn KeyStore>, OpenError> {
    match config.store_url.clone() {
        StoreUrl::Embedded(folder) => {
            let opened = tokio::task::spawn_blocking(move || {
                folder::make(&folder).map_err(|error| folder_error(error, &folder))?;
                Ok::<_, OpenError>(SqliteKeyStore::open(&folder)?)
            });
            Ok(Arc::new(opened.await.map_err(|_| OpenError::Interrupted)??))
        }
        #[cfg(feature = "mongodb")]
        StoreUrl::MongoDb(url) => Ok(migrated(&url).await?.keys),
    }
}

/// Opens the audit record alone, which works while a server runs on the same store.
pub async fn open_audit(config: &StoreConfig) -> Result<Arc<dyn AuditLog>, OpenError> {
    match config.store_url.clone() {
        StoreUrl::Embedded(folder) => {
            let opened = tokio::task::spawn_blocking(move || {
                folder::make(&folder).map_err(|error| folder_error(error, &folder))?;
                Ok::<_, OpenError>(SqliteAuditStore::open(&folder)?)
            });
            Ok(Arc::new(opened.await.map_err(|_| OpenError::Interrupted)??))
        }
        #[cfg(feature = "mongodb")]
        StoreUrl::MongoDb(url) => Ok(migrated(&url).await?.audit),
    }
}

/// The adapters over a database that is there, with its indexes made.
#[cfg(feature = "mongodb")]
async fn migrated(url: &MongoUrl) -> Result<MongoStore, OpenError> {
    let away = |source| OpenError::Away { server: url.to_string(), source };
    let store = match MongoStore::connect(&MongoConfig::new(url.clone()), Arc::new(SystemIds)).await {
        Err(error @ MongoUrlError::Unresolved) => return Err(away(StoreError::unavailable(error))),
        connected => connected?,
    };
    match store.migrate().await {
        Ok(()) => Ok(store),
        Err(source) => Err(away(source)),
    }
}

/// The ports of one store.
struct Store {
    log: Arc<dyn MessageLog>,
    views: Arc<dyn ViewStore>,
    keys: Arc<dyn KeyStore>,
    audit: Arc<dyn AuditLog>,
    user_erasures: Arc<dyn UserErasures>,
}

async fn open_store(config: &StoreConfig, closing: &mut Closing) -> Result<Store, OpenError> {
    match config.store_url.clone() {
        StoreUrl::Embedded(folder) => {
            let opened = tokio::task::spawn_blocking(move || Files::open(&folder)).await;
            let Files { log, views, keys, audit } = opened.map_err(|_| OpenError::Interrupted)??;
            let (closing_log, closing_views) = (Arc::clone(&log), Arc::clone(&views));
            closing.last(async move {
                let work = tokio::task::spawn_blocking(move || {
                    closing_log.close();
                    closing_views.close();
                });
                work.await.is_ok()
            });
            Ok(Store { log, views, keys, user_erasures: Arc::clone(&audit) as _, audit })
        }
        #[cfg(feature = "mongodb")]
        StoreUrl::MongoDb(url) => {
            let store = migrated(&url).await?;
            let own = store.clone();
            closing.last(async move {
                own.close().await;
                true
            });
            let user_erasures = Arc::clone(&store.audit);
            Ok(Store { log: store.log, views: store.views, keys: store.keys, audit: store.audit, user_erasures })
        }
    }
}

#[cfg_attr(not(feature = "nats"), expect(clippy::unused_async, reason = "only a bus between processes is connected"))]
async fn open_bus(config: &StoreConfig, closing: &mut Closing) -> Result<Arc<dyn EventBus>, OpenError> {
    match &config.bus_url {
        BusUrl::Embedded => {
            let bus = Arc::new(ChannelEventBus::new());
            let own = Arc::clone(&bus);
            closing.first(async move {
                own.close();
                true
            });
            Ok(bus)
        }
        #[cfg(feature = "nats")]
        BusUrl::Nats(url) => {
            let bus = Arc::new(NatsEventBus::connect(url, &config.nats).await?);
            let own = Arc::clone(&bus);
            // What was not published is found by the reconciler of the workers.
            closing.first(async move {
                own.close(BUS_CLOSE).await;
                true
            });
            Ok(bus)
        }
    }
}

type Shared = (Arc<dyn ViewStore>, Arc<dyn RateLimiter>);

/// What replicas share beside the store: the newest summaries, and the limits.
#[cfg_attr(
    not(feature = "redis"),
    expect(clippy::unnecessary_wraps, unused_variables, reason = "only a cache hears the bus, and can fail")
)]
fn open_cache(config: &StoreConfig, views: Arc<dyn ViewStore>, bus: &Arc<dyn EventBus>) -> Result<Shared, OpenError> {
    match &config.redis_url {
        None => Ok((views, Arc::new(LocalRateLimiter::new()))),
        #[cfg(feature = "redis")]
        Some(CacheUrl::Redis(url)) => {
            let link = Arc::new(RedisLink::open(url)?);
            let views = CachedViewStore::new(views, Arc::clone(&link), Arc::clone(bus));
            Ok((Arc::new(views), Arc::new(RedisRateLimiter::new(link))))
        }
        #[cfg(not(feature = "redis"))]
        Some(none) => match *none {},
    }
}

struct Files {
    log: Arc<SqliteMessageLog>,
    views: Arc<SqliteViewStore>,
    keys: Arc<SqliteKeyStore>,
    audit: Arc<SqliteAuditStore>,
}

impl Files {
    fn open(folder: &Path) -> Result<Self, OpenError> {
        let lock = Arc::new(folder::lock(folder).map_err(|error| folder_error(error, folder))?);
        let mut log = SqliteMessageLog::open(folder)?;
        log.hold(Arc::clone(&lock));
        let mut views = SqliteViewStore::open(folder)?;
        views.hold(lock);
        let keys = SqliteKeyStore::open(folder)?;
        let audit = SqliteAuditStore::open(folder)?;
        Ok(Self { log: Arc::new(log), views: Arc::new(views), keys: Arc::new(keys), audit: Arc::new(audit) })
    }
}

fn folder_error(error: FolderError, folder: &Path) -> OpenError {
    match error {
        FolderError::Taken => OpenError::Taken { folder: folder.to_owned() },
        FolderError::Io(path, source) => OpenError::Folder { path, source },
    }
}

/// Closes one of the engines; answers whether that went well.
type Step = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Closes what [`open_closing`] opened. Without it each engine is closed when its last port is dropped.
pub struct Closing {
    steps: Vec<Step>,
}

impl Closing {
    /// Before all others.
    fn first(&mut self, step: impl Future<Output = bool> + Send + 'static) {
        self.steps.insert(0, Box::pin(step));
    }

    /// After all others.
    fn last(&mut self, step: impl Future<Output = bool> + Send + 'static) {
        self.steps.push(Box::pin(step));
    }

    /// Ends the bus, commits the writes that wait and brings embedded files into one piece. Answers whether that was
    /// done within the time; if not, nothing acknowledged is lost, but the next start has more to do.
    pub async fn close(self, within: Duration) -> bool {
        let work = async move {
            let mut well = true;
            for step in self.steps {
                well &= step.await;
            }
            well
        };
        tokio::time::timeout(within, work).await.unwrap_or(false)
    }
}
