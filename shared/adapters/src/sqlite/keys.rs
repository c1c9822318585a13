//! `keys.db`: API keys. Law: several processes may use it at once, so that keys can be made while a server runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, Row};
use shared::domain::{ApiKey, ApiKeyHash, Scope, Scopes, TenantId, Timestamp};
use shared::ports::{KeyStore, StoreError};

use super::connection::{self, Durability};
use super::failure::{corrupt, store_error};
use super::format::{Format, FormatError};

pub(super) const FORMAT: Format = Format { application_id: 0x5265_6b65, steps: &[VERSION_1, VERSION_2] };

const VERSION_1: &str = "
CREATE TABLE keys (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    prefix TEXT NOT NULL,
    tenant TEXT NOT NULL,
    scopes TEXT NOT NULL,
    rate INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX prefixes ON keys (prefix);
";

const VERSION_2: &str = "ALTER TABLE keys ADD COLUMN last_used_at INTEGER;";

const COLUMNS: &str = "hash, prefix, tenant, scopes, rate, created_at, expires_at, revoked_at, last_used_at";

/// Keys in a file. One connection: whoever asks often keeps the answers for a while.
pub struct SqliteKeyStore {
    connection: Arc<Mutex<Connection>>,
    path: PathBuf,
}

impl SqliteKeyStore {
    /// Opens `keys.db` in a folder, makes it if it is not there. Needs no lock.
    pub fn open(folder: &Path) -> Result<Self, FormatError> {
        let path = folder.join("keys.db");
        FORMAT.check(&path)?;
        let mut connection = connection::writer(&path, Durability::Machine, 256).map_err(FormatError::sqlite(&path))?;
        // No thread of its own makes checkpoints here.
        connection.pragma_update(None, "wal_autocheckpoint", 100).map_err(FormatError::sqlite(&path))?;
        FORMAT.migrate(&mut connection, &path)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), path })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let joined = tokio::task::spawn_blocking(move || work(&connection.lock()));
        joined.await.map_err(StoreError::unavailable)?.map_err(store_error)
    }
}

#[async_trait]
impl KeyStore for SqliteKeyStore {
    async fn find(&self, hash: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError> {
        let hash = *hash;
        self.with(move |connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM keys WHERE hash = ?1"))?
                .query_row([hash.as_bytes()], key)
                .optional()
        })
        .await
    }

    async fn create(&self, key: &ApiKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.with(move |connection| {
            let sql = format!("INSERT INTO keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
            connection.execute(
                &sql,
                (
                    key.hash.as_bytes(),
                    &key.prefix,
                    key.tenant.as_str(),
                    scopes_text(key.scopes),
                    key.rate,
                    key.created_at.as_millis(),
                    key.expires_at.map(Timestamp::as_millis),
                    key.revoked_at.map(Timestamp::as_millis),
                    key.last_used_at.map(Timestamp::as_millis),
                ),
            )?;
            Ok(())
        })
        .await
    }

    async fn list(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.with(|connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM keys ORDER BY created_at, id"))?;
            let keys = statement.query_map([], key)?;
            keys.collect()
        })
        .await
    }

    async fn used(&self, uses: &[(ApiKeyHash, Timestamp)]) -> Result<(), StoreError> {
        let uses = uses.to_vec();
        self.with(move |connection| {
            let transaction = connection.unchecked_transaction()?;
            let sql = "UPDATE keys SET last_used_at = max(coalesce(last_used_at, ?2), ?2) WHERE hash = ?1";
            let mut statement = transaction.prepare_cached(sql)?;
            for (hash, at) in &uses {
                statement.execute((hash.as_bytes(), at.as_millis()))?;
            }
            drop(statement);
            transaction.commit()
        })
        .await
    }

    async fn revoke(&self, prefix: &str, at: Timestamp) -> Result<bool, StoreError> {
        let prefix = prefix.to_owned();
        self.with(move |connection| {
            let changed = connection.execute(
                "UPDATE keys SET revoked_at = min(coalesce(revoked_at, ?2), ?2) WHERE prefix = ?1",
                (prefix, at.as_millis()),
            )?;
            Ok(changed > 0)
        })
        .await
    }
}

fn key(row: &Row<'_>) -> rusqlite::Result<ApiKey> {
    let tenant: String = row.get(2)?;
    let time = |column| row.get::<_, Option<i64>>(column).map(|millis| millis.map(Timestamp::from_millis));
    Ok(ApiKey {
        hash: ApiKeyHash::from_bytes(row.get(0)?),
        prefix: row.get(1)?,
        tenant: TenantId::parse(tenant).map_err(|error| corrupt(2, error))?,
        scopes: scopes(row.get_ref(3)?.as_str()?),
        rate: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        expires_at: time(6)?,
        revoked_at: time(7)?,
        last_used_at: time(8)?,
    })
}

fn scopes_text(scopes: Scopes) -> String {
    let words = Vec::from(scopes).into_iter().map(word);
    words.collect::<Vec<_>>().join(",")
}

fn scopes(text: &str) -> Scopes {
    let all = [Scope::Write, Scope::Read, Scope::Admin];
    let known = |name: &str| all.into_iter().find(|scope| word(*scope) == name);
    text.split(',').filter_map(known).collect::<Vec<_>>().into()
}

fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Write => "write",
        Scope::Read => "read",
        Scope::Admin => "admin",
    }
}
