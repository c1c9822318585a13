//! Why a store did not answer, by what the caller can do.

use std::sync::Arc;

use thiserror::Error;

/// The underlying error, kept for the log line at the boundary.
pub type Source = Arc<dyn std::error::Error + Send + Sync>;

/// A failed read, or a failed write of something that can be written again.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// Away or busy: the same call may succeed later.
    #[error("the store is not available")]
    Unavailable(#[source] Source),
    /// Did not answer within its limit: the same call may succeed later.
    #[error("the store did not answer in time")]
    Timeout,
    /// It lacks what it must have to serve; it may be given that while this waits.
    #[error("the store cannot serve: {0}")]
    Incomplete(String),
    /// What is stored cannot be read: repeating does not help.
    #[error("stored data cannot be read: {what}")]
    Corrupt {
        /// Which data.
        what: String,
        /// Why.
        #[source]
        source: Option<Source>,
    },
}

impl StoreError {
    /// Wraps a driver's error as passing.
    pub fn unavailable(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(source))
    }

    /// Wraps an error that says that stored data are broken.
    pub fn corrupt(what: impl Into<String>, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Corrupt { what: what.into(), source: Some(Arc::new(source)) }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout | Self::Incomplete(_))
    }
}
