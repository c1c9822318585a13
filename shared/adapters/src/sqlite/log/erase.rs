//! A conversation erased. Law: it is found nowhere from one commit on, and its text leaves the file soon after,
//! in steps that hold up nobody.
//!
//! The commit that answers takes the conversation's name away. Its records, which no name leads to any more, are
//! removed by the writer when it has nothing else to do; a crash does not stop that. `secure_delete` overwrites them.

use rusqlite::{Connection, OptionalExtension as _};
use shared::domain::{ConversationId, ConversationKey, TenantId};

use super::rows::{self, stored};
use crate::sqlite::failure::corrupt;

/// Records that one step removes.
const STEP: u32 = 500;

/// Takes a conversation's name away. Answers whether there was one.
pub(super) fn unlink(connection: &Connection, key: &ConversationKey, next_arrival: u64) -> rusqlite::Result<bool> {
    let Some(conversation) = rows::conversation(connection, key)? else { return Ok(false) };
    connection.prepare_cached("DELETE FROM conversations WHERE id = ?1")?.execute([conversation])?;
    connection
        .prepare_cached("INSERT OR IGNORE INTO erasures (tenant, name) VALUES (?1, ?2)")?
        .execute((key.tenant.as_str(), key.conversation.as_str()))?;
    // The newest records may go, and their places must not be given again.
    connection.prepare_cached("UPDATE arrivals SET next = max(next, ?1)")?.execute([stored(next_arrival)])?;
    connection.prepare_cached("INSERT INTO sweeps (conversation) VALUES (?1)")?.execute([conversation])?;
    remove(connection, conversation)?;
    Ok(true)
}

/// Removes some records of erased conversations. Answers whether there may be more.
pub(super) fn sweep(connection: &Connection) -> rusqlite::Result<bool> {
    let next: Option<i64> = connection
        .prepare_cached("SELECT conversation FROM sweeps LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(conversation) = next else { return Ok(false) };
    remove(connection, conversation)?;
    Ok(true)
}

fn remove(connection: &Connection, conversation: i64) -> rusqlite::Result<()> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM records WHERE id IN (
                 SELECT id FROM records INDEXED BY by_seq WHERE conversation = ?1 ORDER BY seq LIMIT ?2)",
        )?
        .execute((conversation, STEP))?;
    if removed < STEP as usize {
        connection.prepare_cached("DELETE FROM sweeps WHERE conversation = ?1")?.execute([conversation])?;
    }
    Ok(())
}

/// The views of an erased conversation are gone.
pub(super) fn forget(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM erasures WHERE tenant = ?1 AND name = ?2")?
        .execute((key.tenant.as_str(), key.conversation.as_str()))?;
    Ok(())
}

/// Erasures whose views may still be there.
pub(super) fn pending(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<ConversationKey>> {
    let mut statement =
        connection.prepare_cached("SELECT tenant, name FROM erasures ORDER BY tenant, name LIMIT ?1")?;
    let keys = statement.query_map([stored(limit as u64)], |row| key(row, 0))?;
    keys.collect()
}

/// A conversation's name, from two columns.
pub(super) fn key(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<ConversationKey> {
    let tenant = TenantId::parse(row.get_ref(column)?.as_str()?).map_err(|error| corrupt(column, error))?;
    let name = ConversationId::parse(row.get_ref(column + 1)?.as_str()?).map_err(|error| corrupt(column + 1, error))?;
    Ok(ConversationKey::new(tenant, name))
}
