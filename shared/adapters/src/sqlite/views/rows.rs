//! Rows read as views. Law: what cannot be read is reported as corrupt, never guessed.

use rusqlite::{Connection, OptionalExtension as _, Row};
use serde::de::DeserializeOwned;
use shared::domain::{ConversationId, ConversationKey, TenantId, Version};
use shared::ports::ConversationRow;

use crate::sqlite::failure::corrupt;

/// The columns that [`conversation`] reads, in its order.
pub(super) const CONVERSATION: &str = "tenant, name, body, pointer, version, epoch";

/// A view with its summary pointer.
pub(super) fn conversation(row: &Row<'_>) -> rusqlite::Result<ConversationRow> {
    let pointer = row.get_ref(3)?.as_bytes_or_null()?;
    Ok(ConversationRow {
        key: key(row, 0)?,
        view: json(row.get_ref(2)?.as_bytes()?, 2)?,
        summary: pointer.map(|bytes| json(bytes, 3)).transpose()?,
        version: Version(number(row, 4)?),
        epoch: number(row, 5)?,
    })
}

/// A conversation's name, from two columns.
pub(super) fn key(row: &Row<'_>, column: usize) -> rusqlite::Result<ConversationKey> {
    let tenant = TenantId::parse(row.get_ref(column)?.as_str()?).map_err(|error| corrupt(column, error))?;
    let name = ConversationId::parse(row.get_ref(column + 1)?.as_str()?).map_err(|error| corrupt(column + 1, error))?;
    Ok(ConversationKey::new(tenant, name))
}

/// A stored JSON text.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8], column: usize) -> rusqlite::Result<T> {
    serde_json::from_slice(bytes).map_err(|error| corrupt(column, error))
}

/// A number that counts.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let stored: i64 = row.get(column)?;
    u64::try_from(stored).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, stored))
}

/// A count or seq as it is stored.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The number of a conversation that has a view.
pub(super) fn id(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM conversations WHERE tenant = ?1 AND name = ?2")?
        .query_row((key.tenant.as_str(), key.conversation.as_str()), |row| row.get(0))
        .optional()
}
