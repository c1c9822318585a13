//! What workers note for each other: leases, failures, how far a reader has come; and erasing.

use rusqlite::{Connection, OptionalExtension as _, params};
use shared::domain::{ConversationKey, Timestamp};
use shared::ports::{ArrivalMark, DeadLetter};

use super::commit::leave;
use super::rows::{id, key, number, stored};

/// Takes or prolongs a lease.
pub(super) fn lease(
    connection: &Connection,
    key: &ConversationKey,
    owner: &str,
    now: Timestamp,
    until: Timestamp,
) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "INSERT INTO leases (tenant, name, owner, until) VALUES (?1, ?2, ?3, ?5)
             ON CONFLICT (tenant, name) DO UPDATE SET owner = excluded.owner, until = excluded.until
             WHERE owner = excluded.owner OR until <= ?4",
        )?
        .execute((key.tenant.as_str(), key.conversation.as_str(), owner, now.as_millis(), until.as_millis()))?;
    Ok(changed > 0)
}

/// Gives a lease back.
pub(super) fn release(connection: &Connection, key: &ConversationKey, owner: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("DELETE FROM leases WHERE tenant = ?1 AND name = ?2 AND owner = ?3")?.execute((
        key.tenant.as_str(),
        key.conversation.as_str(),
        owner,
    ))?;
    Ok(())
}

/// Counts a failure.
pub(super) fn failed(connection: &Connection, letter: &DeadLetter) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "INSERT INTO dead_letters (tenant, name, hop, reason, at, attempts) VALUES (?1, ?2, ?3, ?4, ?5, 1)
             ON CONFLICT (tenant, name) DO UPDATE SET hop = excluded.hop, reason = excluded.reason, at = excluded.at,
                 attempts = attempts + 1
             RETURNING attempts",
        )?
        .query_row(
            params![
                letter.key.tenant.as_str(),
                letter.key.conversation.as_str(),
                letter.hop,
                letter.reason,
                letter.at.as_millis()
            ],
            |row| number(row, 0),
        )
}

/// Forgets failures. Answers how many letters are left in all.
pub(super) fn succeeded(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("DELETE FROM dead_letters WHERE tenant = ?1 AND name = ?2")?
        .execute((key.tenant.as_str(), key.conversation.as_str()))?;
    letters(connection)
}

/// How many conversations have failed last time.
pub(super) fn letters(connection: &Connection) -> rusqlite::Result<u64> {
    connection.prepare_cached("SELECT count(*) FROM dead_letters")?.query_row([], |row| number(row, 0))
}

/// Conversations that failed often.
pub(super) fn dead_letters(connection: &Connection, attempts: u32, limit: usize) -> rusqlite::Result<Vec<DeadLetter>> {
    let mut statement = connection.prepare_cached(
        "SELECT tenant, name, hop, reason, at, attempts FROM dead_letters WHERE attempts >= ?1
         ORDER BY tenant, name LIMIT ?2",
    )?;
    let rows = statement.query_map((attempts, stored(limit as u64)), |row| {
        Ok(DeadLetter {
            key: key(row, 0)?,
            hop: row.get(2)?,
            reason: row.get(3)?,
            at: Timestamp::from_millis(row.get(4)?),
            attempts: row.get(5)?,
        })
    })?;
    rows.collect()
}

/// How far a reader has come.
pub(super) fn checkpoint(connection: &Connection, reader: &str) -> rusqlite::Result<ArrivalMark> {
    let mark: Option<String> = connection
        .prepare_cached("SELECT mark FROM checkpoints WHERE reader = ?1")?
        .query_row([reader], |row| row.get(0))
        .optional()?;
    Ok(ArrivalMark(mark.unwrap_or_default().into()))
}

/// Remembers how far a reader has come.
pub(super) fn save_checkpoint(connection: &Connection, reader: &str, mark: &ArrivalMark) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO checkpoints (reader, mark) VALUES (?1, ?2)
             ON CONFLICT (reader) DO UPDATE SET mark = excluded.mark",
        )?
        .execute((reader, mark.0.as_str()))?;
    Ok(())
}

/// Removes everything that is kept about a conversation.
pub(super) fn erase(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<()> {
    let names = (key.tenant.as_str(), key.conversation.as_str());
    connection.prepare_cached("DELETE FROM leases WHERE tenant = ?1 AND name = ?2")?.execute(names)?;
    connection.prepare_cached("DELETE FROM dead_letters WHERE tenant = ?1 AND name = ?2")?.execute(names)?;
    let Some(conversation) = id(connection, key)? else { return Ok(()) };
    leave(connection, conversation)?;
    for sql in [
        "DELETE FROM summaries WHERE conversation = ?1",
        "DELETE FROM gists WHERE conversation = ?1",
        "DELETE FROM conversations WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([conversation])?;
    }
    Ok(())
}
