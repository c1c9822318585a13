//! How a file is opened. Law: every connection to a file agrees on what a commit means.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// Bytes of a page, for new files. In `examples/append_rate.rs` none from 1 to 16 KiB was clearly better; 1 KiB costs
/// 40% more of the processor for batches of 100, and larger ones write more for each conversation that is touched.
const PAGE_SIZE: u32 = 4096;
/// How long a connection waits for a lock that another one holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The end of the process. Commits are still in order, so a crash of the machine loses the last ones only.
    Process,
    /// The end of the machine: fsynced before the commit returns.
    Machine,
}

impl Durability {
    /// The statement that asks for it, between transactions.
    pub(crate) fn pragma(self) -> &'static str {
        match self {
            Self::Process => "PRAGMA synchronous = NORMAL",
            Self::Machine => "PRAGMA synchronous = FULL",
        }
    }
}

/// Opens a file for writing, makes it if it is not there.
pub(crate) fn writer(path: &Path, durability: Durability, cache_kib: u32) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Checkpoints are made by a thread of their own, never inside a commit.
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_SIZE}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
         PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;
         PRAGMA cache_size = -{cache_kib}; {};",
        durability.pragma()
    ))?;
    Ok(connection)
}

/// Opens a file that is there for reading only.
pub(crate) fn reader(path: &Path, cache_kib: u32) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch(&format!(
        "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{cache_kib};"
    ))?;
    Ok(connection)
}
