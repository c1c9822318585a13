//! `audit.db`: the audit record, and users that are being erased. Law: an entry is never changed or removed, which the
//! file itself refuses; several processes may use it at once, so that it can be read while a server runs.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};
use serde::de::DeserializeOwned;
use shared::domain::{AuditEntry, TenantId, Timestamp, UserDigest, UserId};
use shared::ports::{
    AuditLog, AuditMark, AuditPage, CasOutcome, Demand, ErasureState, StoreError, UserErasure, UserErasures,
};

use super::connection::{self, Durability};
use super::failure::{corrupt, store_error};
use super::format::{Format, FormatError};

pub(super) const FORMAT: Format = Format { application_id: 0x5265_6175, steps: &[VERSION_1] };

/// `body` is JSON. That of an erasure is there while it is under way: it holds the user's name.
const VERSION_1: &str = "
CREATE TABLE entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    body TEXT NOT NULL
) STRICT;
CREATE TRIGGER entries_stay BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'entries of the audit record are not removed'); END;
CREATE TRIGGER entries_stay_as_they_are BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'entries of the audit record are not changed'); END;
CREATE TRIGGER entries_are_not_replaced BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM entries WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'entries of the audit record are not replaced'); END;
CREATE TABLE user_erasures (
    user BLOB PRIMARY KEY,
    turn INTEGER NOT NULL,
    asked INTEGER NOT NULL,
    finished INTEGER,
    body TEXT
) STRICT;
CREATE INDEX running ON user_erasures (asked) WHERE body IS NOT NULL;
";

/// The audit record and erasures of users in a file. One connection: acts are few.
pub struct SqliteAuditStore {
    connection: Arc<Mutex<Connection>>,
}

impl SqliteAuditStore {
    /// Opens `audit.db` in a folder, makes it if it is not there. Needs no lock.
    pub fn open(folder: &Path) -> Result<Self, FormatError> {
        let path = folder.join("audit.db");
        FORMAT.check(&path)?;
        let mut connection = connection::writer(&path, Durability::Machine, 256).map_err(FormatError::sqlite(&path))?;
        // No thread of its own makes checkpoints here.
        connection.pragma_update(None, "wal_autocheckpoint", 100).map_err(FormatError::sqlite(&path))?;
        FORMAT.migrate(&mut connection, &path)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let joined = tokio::task::spawn_blocking(move || work(&mut connection.lock()));
        joined.await.map_err(StoreError::unavailable)?.map_err(store_error)
    }
}

#[async_trait]
impl AuditLog for SqliteAuditStore {
    async fn record(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let body = json(entry)?;
        self.with(move |connection| {
            connection.prepare_cached("INSERT INTO entries (body) VALUES (?1)")?.execute([body])?;
            Ok(())
        })
        .await
    }

    async fn entries(&self, after: &AuditMark, limit: usize) -> Result<AuditPage, StoreError> {
        let mut last: i64 = after.0.parse().unwrap_or(0);
        self.with(move |connection| {
            let sql = "SELECT id, body FROM entries WHERE id > ?1 ORDER BY id LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query((last, stored(limit as u64)))?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                last = row.get(0)?;
                entries.push(read(row, 1)?);
            }
            let more = entries.len() == limit;
            Ok(AuditPage { entries, mark: AuditMark(compact_str::format_compact!("{last}")), more })
        })
        .await
    }
}

#[async_trait]
impl UserErasures for SqliteAuditStore {
    async fn demand(&self, tenant: &TenantId, user: &UserId, demand: &Demand) -> Result<bool, StoreError> {
        let name = UserDigest::of(tenant, user);
        let (tenant, user, demand) = (tenant.clone(), user.clone(), demand.clone());
        self.with(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let erasure = match running(&transaction, name)? {
                None => UserErasure::new(tenant, user, demand),
                Some(mut erasure) => {
                    if !erasure.join(demand) {
                        return Ok(false);
                    }
                    erasure
                }
            };
            transaction.execute(
                "INSERT INTO user_erasures (user, turn, asked, finished, body) VALUES (?1, 0, ?2, NULL, ?3)
                 ON CONFLICT DO UPDATE SET turn = turn + 1, asked = ?2, finished = NULL, body = ?3",
                (name.as_bytes(), erasure.asked_at().as_millis(), text(&erasure)?),
            )?;
            transaction.commit()?;
            Ok(true)
        })
        .await
    }

    async fn running(&self, limit: usize) -> Result<Vec<UserErasure>, StoreError> {
        self.with(move |connection| {
            let sql = "SELECT body, turn FROM user_erasures WHERE body IS NOT NULL ORDER BY asked LIMIT ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_map([stored(limit as u64)], erasure)?;
            found.collect()
        })
        .await
    }

    async fn state(&self, tenant: &TenantId, user: &UserId) -> Result<Option<ErasureState>, StoreError> {
        let name = UserDigest::of(tenant, user);
        self.with(move |connection| {
            let sql = "SELECT asked, finished FROM user_erasures WHERE user = ?1";
            let state = |row: &Row<'_>| {
                let finished_at = row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis);
                Ok(ErasureState { asked_at: Timestamp::from_millis(row.get(0)?), finished_at })
            };
            connection.prepare_cached(sql)?.query_row([name.as_bytes()], state).optional()
        })
        .await
    }

    async fn save(&self, erasure: &UserErasure) -> Result<CasOutcome, StoreError> {
        let (name, turn, body) = (UserDigest::of(&erasure.tenant, &erasure.user), stored(erasure.turn), json(erasure)?);
        self.with(move |connection| {
            let sql = "UPDATE user_erasures SET turn = turn + 1, body = ?3
                       WHERE user = ?1 AND turn = ?2 AND body IS NOT NULL";
            let changed = connection.prepare_cached(sql)?.execute((name.as_bytes(), turn, body))?;
            Ok(if changed == 1 { CasOutcome::Applied } else { CasOutcome::Stale })
        })
        .await
    }

    async fn finish(&self, erasure: &UserErasure, at: Timestamp) -> Result<CasOutcome, StoreError> {
        let (name, turn) = (UserDigest::of(&erasure.tenant, &erasure.user), stored(erasure.turn));
        self.with(move |connection| {
            let sql = "UPDATE user_erasures SET turn = turn + 1, finished = ?3, body = NULL
                       WHERE user = ?1 AND turn = ?2 AND body IS NOT NULL";
            let changed = connection.prepare_cached(sql)?.execute((name.as_bytes(), turn, at.as_millis()))?;
            // The user's name leaves the write-ahead log too; where a reader holds it open, with the next one.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(if changed == 1 { CasOutcome::Applied } else { CasOutcome::Stale })
        })
        .await
    }
}

fn running(connection: &Connection, user: UserDigest) -> rusqlite::Result<Option<UserErasure>> {
    let sql = "SELECT body, turn FROM user_erasures WHERE user = ?1 AND body IS NOT NULL";
    connection.prepare_cached(sql)?.query_row([user.as_bytes()], erasure).optional()
}

fn erasure(row: &Row<'_>) -> rusqlite::Result<UserErasure> {
    let turn: i64 = row.get(1)?;
    let turn = u64::try_from(turn).map_err(|error| corrupt(1, error))?;
    Ok(UserErasure { turn, ..read(row, 0)? })
}

/// Numbers are stored in signed 64 bits.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn read<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| corrupt(column, error))
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::corrupt("what cannot be written as JSON", error))
}

fn text(erasure: &UserErasure) -> rusqlite::Result<String> {
    serde_json::to_string(erasure).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
