//! Records and heads read by seq.

use rusqlite::{Connection, OptionalExtension as _};
use shared::domain::{ConversationKey, Record, Seq, Timestamp};
use shared::ports::Head;

use super::rows::{self, RECORD, number, record, stored};

/// Records from a seq on.
pub(super) fn from(
    connection: &Connection,
    key: &ConversationKey,
    from: Seq,
    limit: usize,
) -> rusqlite::Result<Vec<Record>> {
    let Some(conversation) = rows::conversation(connection, key)? else { return Ok(Vec::new()) };
    let sql = format!("SELECT {RECORD} FROM records WHERE conversation = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3");
    let mut statement = connection.prepare_cached(&sql)?;
    let records = statement.query_map((conversation, stored(from.0), stored(limit as u64)), record)?;
    records.collect()
}

/// Single records. Neighbours are read together: those that a view lacks are a run.
pub(super) fn places(
    connection: &Connection,
    places: &[(ConversationKey, Seq)],
) -> rusqlite::Result<Vec<Option<Record>>> {
    let sql = format!("SELECT {RECORD} FROM records WHERE conversation = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = Vec::new();
    found.resize_with(places.len(), || None);
    let mut begins = 0;
    for run in places.chunk_by(|(key, seq), (next, next_seq)| seq.next() == *next_seq && key == next) {
        let place = begins;
        begins += run.len();
        let [(key, first), ..] = run else { continue };
        let Some(conversation) = rows::conversation(connection, key)? else { continue };
        let last = first.0.saturating_add(run.len() as u64 - 1);
        let records = statement.query_map((conversation, stored(first.0), stored(last)), record)?;
        for record in records {
            let record = record?;
            let offset = usize::try_from(record.seq.0 - first.0).unwrap_or(usize::MAX);
            if let Some(found) = found.get_mut(place.saturating_add(offset)) {
                *found = Some(record);
            }
        }
    }
    Ok(found)
}

/// Where a conversation stands.
pub(super) fn head(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<Option<Head>> {
    let Some(conversation) = rows::conversation(connection, key)? else { return Ok(None) };
    let Some(tail) = rows::tail(connection, conversation)? else { return Ok(None) };
    Ok(Some(Head {
        seq: Seq(tail.seq),
        last_message: if tail.kind.tells() { Seq(tail.seq) } else { last_message(connection, conversation)? },
        messages: tail.seq - tail.others,
        received_at: Timestamp::from_millis(tail.received_at),
        ended: tail.ended,
    }))
}

/// The last message or change, where the last record is neither: a few records back.
fn last_message(connection: &Connection, conversation: i64) -> rusqlite::Result<Seq> {
    let found = connection
        .prepare_cached(
            "SELECT seq FROM records WHERE conversation = ?1 AND kind IN (0, 1, 6, 7) ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([conversation], |row| number(row, 0))
        .optional()?;
    Ok(Seq(found.unwrap_or(0)))
}
