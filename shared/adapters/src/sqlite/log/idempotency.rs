//! Requests that were answered before. Law: a key stands for one body, for at least a day.

use rusqlite::{Connection, OptionalExtension as _};
use sha2::{Digest as _, Sha256};
use shared::domain::{ConversationId, Digest, TenantId, Timestamp};
use shared::ports::Idempotency;

use super::rows::{number, stored};
use crate::sqlite::failure::corrupt;

/// How long an answer is kept; the contract promises a day.
const KEPT_MS: i64 = 48 * 3600 * 1000;

/// What was answered.
pub(super) struct Answered {
    pub(super) body: Digest,
    pub(super) conversation: ConversationId,
    pub(super) inserted: u64,
    pub(super) duplicates: u64,
}

/// The key's place in the table: hashed, so that all have one short length and no text of a client is kept.
pub(super) fn name(tenant: &TenantId, key: &str) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(tenant.as_str().len().to_be_bytes());
    hash.update(tenant.as_str());
    hash.update(key);
    let whole: [u8; 32] = hash.finalize().into();
    let mut short = [0; 16];
    short.copy_from_slice(&whole[..16]);
    short
}

/// Finds what a request was answered.
pub(super) fn find(connection: &Connection, name: &[u8; 16]) -> rusqlite::Result<Option<Answered>> {
    connection
        .prepare_cached("SELECT body, conversation, inserted, duplicates FROM idempotency WHERE name = ?1")?
        .query_row([name], |row| {
            let conversation: String = row.get(1)?;
            Ok(Answered {
                body: Digest::from_bytes(row.get(0)?),
                conversation: ConversationId::parse(conversation).map_err(|error| corrupt(1, error))?,
                inserted: number(row, 2)?,
                duplicates: number(row, 3)?,
            })
        })
        .optional()
}

/// Keeps an answer.
pub(super) fn keep(
    connection: &Connection,
    (name, request): (&[u8; 16], &Idempotency),
    conversation: &ConversationId,
    (inserted, duplicates): (u32, u32),
    received_at: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO idempotency (name, body, conversation, inserted, duplicates, received)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            name,
            request.body.as_bytes(),
            conversation.as_str(),
            inserted,
            duplicates,
            received_at.as_millis(),
        ))?;
    Ok(())
}

/// Removes answers that are old enough: twice as many as were `kept` in this commit, so that none pays for many.
pub(super) fn prune(connection: &Connection, now: Timestamp, kept: u64) -> rusqlite::Result<()> {
    let oldest = connection
        .prepare_cached("SELECT id, received FROM idempotency ORDER BY id LIMIT 1")?
        .query_row([], |row| Ok((number(row, 0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let before = now.as_millis().saturating_sub(KEPT_MS);
    let Some((first, received)) = oldest else { return Ok(()) };
    if received >= before {
        return Ok(());
    }
    connection.prepare_cached("DELETE FROM idempotency WHERE id BETWEEN ?1 AND ?2 AND received < ?3")?.execute((
        stored(first),
        stored(first + 2 * kept),
        before,
    ))?;
    Ok(())
}
