//! A configuration turned into ports. Law: what is opened here is opened once, and closed in order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shared::ports::{KeyStore, Ports};
use thiserror::Error;

use crate::channel_bus::ChannelEventBus;
use crate::config::{BusUrl, StoreConfig, StoreUrl};
use crate::rate_limiter::LocalRateLimiter;
use crate::sqlite::folder::{self, FolderError};
use crate::sqlite::{FormatError, SqliteKeyStore, SqliteMessageLog, SqliteViewStore};
use crate::system::{SystemClock, SystemIds};

/// Why the store could not be opened. None of it passes by itself.
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
    /// The task that opens was stopped.
    #[error("opening was interrupted")]
    Interrupted,
}

/// Opens everything that a configuration names.
pub async fn open(config: &StoreConfig) -> Result<Ports, OpenError> {
    open_closing(config).await.map(|(ports, _)| ports)
}

/// Opens everything, with what closes it at shutdown.
pub async fn open_closing(config: &StoreConfig) -> Result<(Ports, Closing), OpenError> {
    let StoreUrl::Embedded(folder) = config.store_url.clone();
    let bus = match config.bus_url {
        BusUrl::Embedded => Arc::new(ChannelEventBus::new()),
    };
    let opened = tokio::task::spawn_blocking(move || Files::open(&folder)).await;
    let files = opened.map_err(|_| OpenError::Interrupted)??;
    let ports = Ports {
        log: files.log.clone(),
        views: files.views.clone(),
        keys: files.keys,
        bus: bus.clone(),
        limiter: Arc::new(LocalRateLimiter::new()),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
    };
    Ok((ports, Closing { log: files.log, views: files.views, bus }))
}

/// Opens the API keys alone, which works while a server runs on the same store.
pub async fn open_keys(config: &StoreConfig) -> Result<Arc<dyn KeyStore>, OpenError> {
    let StoreUrl::Embedded(folder) = config.store_url.clone();
    let opened = tokio::task::spawn_blocking(move || {
        folder::make(&folder).map_err(|error| folder_error(error, &folder))?;
        Ok::<_, OpenError>(SqliteKeyStore::open(&folder)?)
    });
    Ok(Arc::new(opened.await.map_err(|_| OpenError::Interrupted)??))
}

struct Files {
    log: Arc<SqliteMessageLog>,
    views: Arc<SqliteViewStore>,
    keys: Arc<SqliteKeyStore>,
}

impl Files {
    fn open(folder: &Path) -> Result<Self, OpenError> {
        let lock = Arc::new(folder::lock(folder).map_err(|error| folder_error(error, folder))?);
        let mut log = SqliteMessageLog::open(folder)?;
        log.hold(Arc::clone(&lock));
        let mut views = SqliteViewStore::open(folder)?;
        views.hold(lock);
        let keys = SqliteKeyStore::open(folder)?;
        Ok(Self { log: Arc::new(log), views: Arc::new(views), keys: Arc::new(keys) })
    }
}

fn folder_error(error: FolderError, folder: &Path) -> OpenError {
    match error {
        FolderError::Taken => OpenError::Taken { folder: folder.to_owned() },
        FolderError::Io(path, source) => OpenError::Folder { path, source },
    }
}

/// Closes what [`open_closing`] opened. Without it the files are closed when the last port is dropped.
pub struct Closing {
    log: Arc<SqliteMessageLog>,
    views: Arc<SqliteViewStore>,
    bus: Arc<ChannelEventBus>,
}

impl Closing {
    /// Ends the bus, commits the writes that wait and brings the files into one piece. Answers whether that was
    /// done within the time; if not, nothing acknowledged is lost, but the next start has more to do.
    pub async fn close(self, within: Duration) -> bool {
        self.bus.close();
        let work = tokio::task::spawn_blocking(move || {
            self.log.close();
            self.views.close();
        });
        matches!(tokio::time::timeout(within, work).await, Ok(Ok(())))
    }
}
