//! Driver errors sorted by what the caller can do.

use std::sync::Arc;

use mongodb::error::{Error, ErrorKind};
use shared::ports::StoreError;
use shared::ports::store_error::Source;
use thiserror::Error as ThisError;

/// A call that brought no answer, or a refusal.
#[derive(Debug, Clone, ThisError)]
pub(super) enum Failure {
    /// The limit passed. A write may still take place.
    #[error("the database did not answer in time")]
    Late,
    /// It was never sent, or refused before anything was done.
    #[error("the database is not available")]
    NotDone(#[source] Source),
    /// Sent, and then something went wrong: a write may have taken place.
    #[error("the database did not confirm")]
    Unknown(#[source] Source),
    /// The majority has not confirmed what was written.
    #[error("the database's majority did not confirm: {0}")]
    NotMajority(String),
    /// The server refused a statement.
    #[error("the database refused: {0}")]
    Refused(String),
    /// Something that the database must have is missing.
    #[error("{0}")]
    Incomplete(String),
    /// What is stored cannot be read.
    #[error("stored data cannot be read")]
    Corrupt(#[source] Source),
}

/// Codes by which a server says that it did nothing, as it is not the one that writes.
const NOT_PRIMARY: [i32; 3] = [10107, 13435, 10058];

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let refused = match &*error.kind {
            ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::Authentication { .. }
            | ErrorKind::InvalidArgument { .. }
            | ErrorKind::BsonSerialization(_)
            | ErrorKind::InvalidTlsConfig { .. }
            | ErrorKind::IncompatibleServer { .. }
            | ErrorKind::Shutdown => true,
            ErrorKind::Command(command) => NOT_PRIMARY.contains(&command.code),
            _ => false,
        };
        let corrupt = matches!(&*error.kind, ErrorKind::BsonDeserialization(_) | ErrorKind::Bson(_));
        let source: Source = Arc::new(error);
        match (refused, corrupt) {
            (true, _) => Self::NotDone(source),
            (_, true) => Self::Corrupt(source),
            _ => Self::Unknown(source),
        }
    }
}

impl From<mongodb::bson::error::Error> for Failure {
    fn from(error: mongodb::bson::error::Error) -> Self {
        Self::Corrupt(Arc::new(error))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Late => Self::Timeout,
            Failure::Incomplete(what) => Self::Incomplete(what),
            Failure::Corrupt(source) => {
                Self::Corrupt { what: "a document of the database".to_owned(), source: Some(source) }
            }
            other => Self::unavailable(other),
        }
    }
}

/// A stored value that is not what it may be.
pub(super) fn corrupt(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::corrupt(what, error)
}

/// A stored value that is not there.
pub(super) fn missing(what: &str) -> StoreError {
    StoreError::Corrupt { what: what.to_owned(), source: None }
}
