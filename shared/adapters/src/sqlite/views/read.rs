//! Views listed and found.

use rusqlite::{Connection, OptionalExtension as _};
use shared::domain::{ConversationId, ConversationKey, Seq, TenantId, Timestamp, UserId};
use shared::ports::{ConversationRow, HistoryQuery, HistoryRow, ListQuery};

use super::rows::{CONVERSATION, conversation, id, number, stored};
use crate::sqlite::failure::corrupt;

/// Views of these conversations, in the same order.
pub(super) fn conversations(
    connection: &Connection,
    keys: &[ConversationKey],
) -> rusqlite::Result<Vec<Option<ConversationRow>>> {
    let sql = format!("SELECT {CONVERSATION} FROM conversations WHERE tenant = ?1 AND name = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let find = |key: &ConversationKey| {
        statement.query_row((key.tenant.as_str(), key.conversation.as_str()), conversation).optional()
    };
    keys.iter().map(find).collect()
}

/// A tenant's conversations, newest first, and how many there are.
pub(super) fn list(
    connection: &Connection,
    tenant: &TenantId,
    query: &ListQuery,
) -> rusqlite::Result<(Vec<ConversationRow>, u64)> {
    let contains = query.contains.as_deref();
    let total = connection
        .prepare_cached(
            "SELECT count(*) FROM conversations INDEXED BY newest
             WHERE tenant = ?1 AND (?2 IS NULL OR instr(name, ?2) > 0)",
        )?
        .query_row((tenant.as_str(), contains), |row| number(row, 0))?;
    let sql = format!(
        "SELECT {CONVERSATION} FROM conversations WHERE id IN (
             SELECT id FROM conversations INDEXED BY newest
             WHERE tenant = ?1 AND (?2 IS NULL OR instr(name, ?2) > 0)
             ORDER BY newest DESC, name LIMIT ?3 OFFSET ?4)
         ORDER BY newest DESC, name"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let page = (tenant.as_str(), contains, stored(query.limit as u64), stored(query.offset));
    let rows = statement.query_map(page, conversation)?;
    Ok((rows.collect::<Result<_, _>>()?, total))
}

/// A user's conversations, latest post first, and how many there are.
pub(super) fn history(
    connection: &Connection,
    tenant: &TenantId,
    user: &UserId,
    query: &HistoryQuery,
) -> rusqlite::Result<(Vec<HistoryRow>, u64)> {
    let user: Option<i64> = connection
        .prepare_cached("SELECT id FROM users WHERE tenant = ?1 AND name = ?2")?
        .query_row((tenant.as_str(), user.as_str()), |row| row.get(0))
        .optional()?;
    let Some(user) = user else { return Ok((Vec::new(), 0)) };
    let start = query.start.unwrap_or(Timestamp::MIN).as_millis();
    let end = query.end.unwrap_or(Timestamp::MAX).as_millis();
    let total = connection
        .prepare_cached(
            "SELECT count(*) FROM participations INDEXED BY history WHERE user = ?1 AND last >= ?2 AND first <= ?3",
        )?
        .query_row((user, start, end), |row| number(row, 0))?;
    let mut statement = connection.prepare_cached(
        "SELECT c.name, p.first, p.last, p.last_seq, p.messages, c.newest_seq
         FROM participations AS p INDEXED BY history CROSS JOIN conversations AS c ON c.id = p.conversation
         WHERE p.user = ?1 AND p.last >= ?2 AND p.first <= ?3
         ORDER BY p.last DESC, p.conversation LIMIT ?4 OFFSET ?5",
    )?;
    let page = (user, start, end, stored(query.limit as u64), stored(query.offset));
    let rows = statement.query_map(page, |row| {
        Ok(HistoryRow {
            conversation: ConversationId::parse(row.get_ref(0)?.as_str()?).map_err(|error| corrupt(0, error))?,
            first: Timestamp::from_millis(row.get(1)?),
            last: Timestamp::from_millis(row.get(2)?),
            last_seq: Seq(number(row, 3)?),
            messages: number(row, 4)?,
            latest_seq: Seq(number(row, 5)?),
        })
    })?;
    Ok((rows.collect::<Result<_, _>>()?, total))
}

/// A user's conversations by name.
pub(super) fn posted_in(
    connection: &Connection,
    tenant: &TenantId,
    user: &UserId,
    after: Option<&ConversationId>,
    limit: usize,
) -> rusqlite::Result<Vec<ConversationId>> {
    let mut statement = connection.prepare_cached(
        "SELECT c.name FROM users AS u
         CROSS JOIN participations AS p INDEXED BY history ON p.user = u.id
         CROSS JOIN conversations AS c ON c.id = p.conversation
         WHERE u.tenant = ?1 AND u.name = ?2 AND c.name > ?3 ORDER BY c.name LIMIT ?4",
    )?;
    // No name is empty, so the empty one stands before all.
    let after = after.map_or("", ConversationId::as_str);
    let names = statement.query_map((tenant.as_str(), user.as_str(), after, stored(limit as u64)), |row| {
        ConversationId::parse(row.get_ref(0)?.as_str()?).map_err(|error| corrupt(0, error))
    })?;
    names.collect()
}

/// How many users have posted.
pub(super) fn participants(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<u64> {
    let Some(conversation) = id(connection, key)? else { return Ok(0) };
    connection
        .prepare_cached("SELECT count(*) FROM participations WHERE conversation = ?1")?
        .query_row([conversation], |row| number(row, 0))
}

/// How many messages a tenant has.
pub(super) fn messages(connection: &Connection, tenant: &TenantId) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "SELECT coalesce(sum(p.messages), 0)
             FROM users AS u CROSS JOIN participations AS p INDEXED BY history ON p.user = u.id
             WHERE u.tenant = ?1",
        )?
        .query_row([tenant.as_str()], |row| number(row, 0))
}

/// Conversations with messages that no summary covers, by key.
pub(super) fn uncovered(
    connection: &Connection,
    after: Option<&ConversationKey>,
    limit: usize,
) -> rusqlite::Result<Vec<ConversationRow>> {
    // No name is empty, so the empty one stands before all.
    let after = after.map_or(("", ""), |key| (key.tenant.as_str(), key.conversation.as_str()));
    let sql = format!(
        "SELECT {CONVERSATION} FROM conversations INDEXED BY uncovered
         WHERE uncovered = 1 AND (tenant, name) > (?1, ?2) ORDER BY tenant, name LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map((after.0, after.1, stored(limit as u64)), conversation)?;
    rows.collect()
}

/// Conversations that have not ended and were last written to before a time, oldest first.
pub(super) fn idle(connection: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<Vec<ConversationRow>> {
    let sql = format!(
        "SELECT {CONVERSATION} FROM conversations INDEXED BY idle
         WHERE ended = 0 AND received < ?1 ORDER BY received, id LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map((before.as_millis(), stored(limit as u64)), conversation)?;
    rows.collect()
}

/// Conversations whose newest summary a fallback engine wrote before a time, newest message first.
pub(super) fn degraded(
    connection: &Connection,
    before: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<ConversationRow>> {
    let sql = format!(
        "SELECT {CONVERSATION} FROM conversations INDEXED BY degraded WHERE degraded = 1 ORDER BY newest DESC, id"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = Vec::new();
    for row in statement.query_map([], conversation)? {
        let row = row?;
        if row.summary.is_some_and(|pointer| pointer.generated_at < before) {
            rows.push(row);
        }
        if rows.len() >= limit {
            break;
        }
    }
    Ok(rows)
}
