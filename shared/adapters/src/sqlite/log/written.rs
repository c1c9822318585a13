//! What a user wrote. Law: there is no index by user, which each commit would pay for; a call looks at so many records
//! and not more, so that it holds up nobody.

use rusqlite::{Connection, OptionalExtension as _};
use shared::domain::{Seq, TenantId, Timestamp, UserId};
use shared::ports::{Written, WrittenMark};

use super::erase::key;
use super::rows::{number, stored};

/// Records that one call looks at.
const LOOKED: u64 = 50_000;

/// Messages of a user behind a mark, in order of arrival.
pub(super) fn after(
    connection: &Connection,
    tenant: &TenantId,
    user: &UserId,
    until: Timestamp,
    mark: &WrittenMark,
    limit: usize,
) -> rusqlite::Result<Written> {
    let first: u64 = mark.0.parse().unwrap_or(0);
    let end: Option<u64> = connection
        .prepare_cached("SELECT id FROM records WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2")?
        .query_row((stored(first), stored(LOOKED - 1)), |row| number(row, 0))
        .optional()?;
    let mut statement = connection.prepare_cached(
        "SELECT r.id, c.tenant, c.name, r.seq
         FROM records AS r CROSS JOIN conversations AS c ON c.id = r.conversation
         WHERE r.id > ?1 AND r.id <= ?2 AND r.user = ?3 AND r.newest + r.received <= ?4 AND c.tenant = ?5
         ORDER BY r.id LIMIT ?6",
    )?;
    let range = (stored(first), end.map_or(i64::MAX, stored));
    let wanted = (range.0, range.1, user.as_str(), until.as_millis(), tenant.as_str(), stored(limit as u64));
    let (mut places, mut last) = (Vec::new(), first);
    let mut rows = statement.query(wanted)?;
    while let Some(row) = rows.next()? {
        last = number(row, 0)?;
        places.push((key(row, 1)?, Seq(number(row, 3)?)));
    }
    let full = places.len() == limit;
    let mark = if full { last } else { end.unwrap_or(last) };
    Ok(Written { places, mark: WrittenMark(compact_str::format_compact!("{mark}")), more: full || end.is_some() })
}
