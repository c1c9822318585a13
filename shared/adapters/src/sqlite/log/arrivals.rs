//! What arrived since, in order of arrival. Law: there is one writer, so places are committed in their order and
//! nothing ever appears behind a mark that was given.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _};
use shared::domain::Seq;
use shared::ports::{ArrivalMark, Arrivals, ConversationMark, Conversations, Reach};

use super::erase::key;
use super::rows::{number, stored};

/// Records behind the mark, grouped by conversation. An unknown mark begins at the start.
pub(super) fn after(connection: &Connection, mark: &ArrivalMark, limit: usize) -> rusqlite::Result<Arrivals> {
    let mut last: u64 = mark.0.parse().unwrap_or(0);
    let mut reached: HashMap<i64, u64> = HashMap::new();
    let mut order = Vec::new();
    let mut seen = 0;
    let mut statement =
        connection.prepare_cached("SELECT id, conversation, seq FROM records WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let mut rows = statement.query((stored(last), stored(limit as u64)))?;
    while let Some(row) = rows.next()? {
        last = number(row, 0)?;
        let conversation = row.get(1)?;
        if reached.insert(conversation, number(row, 2)?).is_none() {
            order.push(conversation);
        }
        seen += 1;
    }
    let mut name = connection.prepare_cached("SELECT tenant, name FROM conversations WHERE id = ?1")?;
    let mut found = Vec::with_capacity(order.len());
    for conversation in order {
        // An erased conversation has no name while its last records are being removed.
        let Some(key) = name.query_row([conversation], |row| key(row, 0)).optional()? else { continue };
        let seq = Seq(reached.get(&conversation).copied().unwrap_or(0));
        found.push(Reach { key, seq });
    }
    let mark = ArrivalMark(compact_str::format_compact!("{last}"));
    Ok(Arrivals { reached: found, mark, more: seen == limit })
}

/// Conversations behind a mark, in the order in which they were made.
pub(super) fn conversations(
    connection: &Connection,
    after: &ConversationMark,
    limit: usize,
) -> rusqlite::Result<Conversations> {
    let mut last: i64 = after.0.parse().unwrap_or(0);
    let mut keys = Vec::new();
    let mut statement =
        connection.prepare_cached("SELECT id, tenant, name FROM conversations WHERE id > ?1 ORDER BY id LIMIT ?2")?;
    let mut rows = statement.query((last, stored(limit as u64)))?;
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        keys.push(key(row, 1)?);
    }
    let more = keys.len() == limit;
    Ok(Conversations { keys, mark: ConversationMark(compact_str::format_compact!("{last}")), more })
}
