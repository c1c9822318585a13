//! Driver errors sorted by what the caller can do.

use std::sync::Arc;

use rusqlite::{Error, ErrorCode};
use shared::ports::StoreError;
use thiserror::Error as ThisError;

/// A failure of the embedded store that is not the driver's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
pub(crate) enum Stopped {
    #[error("too many writes wait already")]
    Full,
    #[error("the store was closed")]
    Closed,
    #[error("a commit failed, so nothing more is written before a restart")]
    Poisoned,
}

impl From<Stopped> for StoreError {
    fn from(stopped: Stopped) -> Self {
        Self::unavailable(stopped)
    }
}

/// Tells broken data from a store that is away or busy.
pub(crate) fn store_error(error: Error) -> StoreError {
    let broken = match &error {
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => true,
        Error::SqliteFailure(failure, _) => {
            matches!(failure.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        _ => false,
    };
    if broken { StoreError::corrupt("a row of the store", error) } else { StoreError::Unavailable(Arc::new(error)) }
}

/// What a column holds is not what it may hold.
pub(crate) fn corrupt(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
