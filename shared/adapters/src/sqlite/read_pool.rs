//! Read-only connections on blocking threads. Law: bounded in number and in waiting; a caller that goes away
//! leaves its connection to the next.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;
use shared::ports::StoreError;
use tokio::sync::Semaphore;

use super::connection;
use super::failure::{Stopped, store_error};

/// How long a read waits for a connection.
const WAIT: Duration = Duration::from_secs(5);
/// Memory of a reading connection. Small: in WAL mode it is emptied by each commit of the writer.
const CACHE_KIB: u32 = 1024;

/// Connections to one file.
#[derive(Clone)]
pub(crate) struct ReadPool {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl ReadPool {
    /// Opens connections when they are first needed, at most `size`.
    pub(crate) fn new(path: &Path, size: usize) -> Self {
        Self {
            path: Arc::new(path.to_owned()),
            idle: Arc::new(Mutex::new(Vec::with_capacity(size))),
            permits: Arc::new(Semaphore::new(size)),
        }
    }

    /// Reads within one transaction, that is, from one state of the file.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        op: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let started = Instant::now();
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| StoreError::Timeout)?.map_err(|_| Stopped::Closed)?;
        let pool = self.clone();
        let joined = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let connection = pool.take()?;
            let result = within_transaction(&connection, work);
            // A connection whose transaction could not be ended is not used again.
            if connection.is_autocommit() {
                pool.idle.lock().push(connection);
            }
            result
        });
        let result = joined.await.map_err(StoreError::unavailable)?.map_err(store_error);
        metrics::histogram!("recap_store_query_duration_seconds", "op" => op).record(started.elapsed());
        result
    }

    /// Refuses further reads and lets the idle connections go.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle.lock().clear();
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().pop();
        idle.map_or_else(|| connection::reader(&self.path, CACHE_KIB), Ok)
    }
}

fn within_transaction<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let result = work(connection);
    let ended = connection.prepare_cached("COMMIT")?.execute([]);
    let value = result?;
    ended?;
    Ok(value)
}

/// How many reads run at once: more than cores, since some wait for the disk.
pub(crate) fn readers() -> usize {
    std::thread::available_parallelism().map_or(4, |cores| cores.get() * 2).clamp(4, 16)
}
