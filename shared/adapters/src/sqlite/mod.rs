//! The embedded store: four `SQLite` files in one folder, written by one process.
//!
//! Its one law: a file has one writing connection with a thread of its own; all who wait are served by one commit.
//!
//! - [`log`]: `log.db`, the truth; fsynced before any reply
//! - [`views`]: `views.db`, what is derived, and summaries
//! - [`keys`]: `keys.db`, and [`audit`]: `audit.db`, which other processes may open too
//! - `connection`, `format`, `folder`: how files are opened, versioned and locked
//! - `read_pool`: read-only connections on blocking threads
//! - `group_writer`: a writing thread for work of many kinds
//! - `versions`: which format the files have
//! - `checkpoint`: the write-ahead log brought back into the file, away from the writer

pub mod audit;
mod checkpoint;
mod connection;
mod failure;
pub(crate) mod folder;
mod format;
mod group_writer;
pub mod keys;
pub mod log;
mod read_pool;
mod versions;
pub mod views;

pub use audit::SqliteAuditStore;
pub use format::FormatError;
pub use keys::SqliteKeyStore;
pub use log::SqliteMessageLog;
pub use versions::{FileVersion, file_versions};
pub use views::SqliteViewStore;
