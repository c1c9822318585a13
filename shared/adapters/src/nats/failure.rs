//! What can be wrong with NATS. Law: no text here holds a secret.

use std::path::PathBuf;
use std::sync::Arc;

use shared::ports::BusError;
use thiserror::Error;

/// Why there can be no bus with this configuration. None of it passes by itself.
#[derive(Debug, Error)]
pub enum NatsConnectError {
    /// A file that a setting names cannot be read.
    #[error("{setting}: {path} cannot be read")]
    File {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that a setting names does not hold what it should.
    #[error("{setting}: {path} does not hold {wanted}")]
    Content {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
    },
    /// The server is too old.
    #[error("NATS server {version} is too old: 2.10 or later is needed")]
    TooOld {
        /// Its version.
        version: String,
    },
    /// The driver refused the configuration.
    #[error("NATS cannot be used with these settings")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why NATS does not serve now.
#[derive(Debug, Error)]
pub(super) enum NatsFailure {
    #[error("not connected: {0}")]
    Away(String),
    #[error("server {0} is too old: 2.10 or later is needed")]
    TooOld(String),
    #[error("{what} failed")]
    JetStream {
        what: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{0}")]
    Broken(&'static str),
}

impl NatsFailure {
    pub(super) fn jetstream<E>(what: &'static str) -> impl FnOnce(E) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        move |source| Self::JetStream { what, source: Box::new(source) }
    }
}

impl From<NatsFailure> for BusError {
    fn from(failure: NatsFailure) -> Self {
        Self::Unavailable(Some(Arc::new(failure)))
    }
}
