//! Summaries, their versions and gists: what was paid for. Law: kept beside a view only, so that nothing of an
//! erased conversation comes back through a worker that was still busy with it.

use rusqlite::{Connection, OptionalExtension as _, params};
use shared::domain::{ConversationKey, SummaryVersion, Version};
use shared::ports::{CasOutcome, Gist, GistKey};

use super::rows::{id, json, number, stored};

/// A version made ready outside the writer's thread.
pub(super) struct Prepared {
    key: ConversationKey,
    previous: Version,
    version: Version,
    covered: u64,
    degraded: bool,
    pointer: String,
    body: Vec<u8>,
}

impl Prepared {
    pub(super) fn new(
        key: &ConversationKey,
        previous: Version,
        summary: &SummaryVersion,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            key: key.clone(),
            previous,
            version: summary.version,
            covered: summary.covers.last_seq.0,
            degraded: summary.degraded,
            pointer: serde_json::to_string(&summary.pointer())?,
            body: serde_json::to_vec(summary)?,
        })
    }
}

/// Stores a version with its pointer, if the one before it is the newest.
pub(super) fn save(connection: &Connection, summary: &Prepared) -> rusqlite::Result<CasOutcome> {
    if summary.version != summary.previous.next() {
        return Ok(CasOutcome::Stale);
    }
    let found = connection
        .prepare_cached("SELECT id, version FROM conversations WHERE tenant = ?1 AND name = ?2")?
        .query_row((summary.key.tenant.as_str(), summary.key.conversation.as_str()), |row| {
            Ok((row.get::<_, i64>(0)?, number(row, 1)?))
        })
        .optional()?;
    let Some((conversation, newest)) = found else { return Ok(CasOutcome::Stale) };
    if newest != summary.previous.0 {
        return Ok(CasOutcome::Stale);
    }
    connection.prepare_cached("INSERT INTO summaries (conversation, version, body) VALUES (?1, ?2, ?3)")?.execute((
        conversation,
        stored(summary.version.0),
        &summary.body,
    ))?;
    connection
        .prepare_cached(
            "UPDATE conversations SET version = ?2, pointer = ?3, covered = ?4, uncovered = last_message > ?4,
                 degraded = ?5 WHERE id = ?1",
        )?
        .execute(params![
            conversation,
            stored(summary.version.0),
            summary.pointer,
            stored(summary.covered),
            summary.degraded
        ])?;
    Ok(CasOutcome::Applied)
}

/// The newest version.
pub(super) fn newest(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<Option<SummaryVersion>> {
    let (mut versions, _) = versions(connection, key, 0, 1)?;
    Ok(versions.pop())
}

/// Versions, newest first, and how many there are.
pub(super) fn versions(
    connection: &Connection,
    key: &ConversationKey,
    offset: u64,
    limit: usize,
) -> rusqlite::Result<(Vec<SummaryVersion>, u64)> {
    let found = connection
        .prepare_cached("SELECT id, version FROM conversations WHERE tenant = ?1 AND name = ?2")?
        .query_row((key.tenant.as_str(), key.conversation.as_str()), |row| Ok((row.get::<_, i64>(0)?, number(row, 1)?)))
        .optional()?;
    let Some((conversation, total)) = found else { return Ok((Vec::new(), 0)) };
    // Versions have no holes, so an offset is a version.
    let first = total.saturating_sub(offset);
    let mut statement = connection.prepare_cached(
        "SELECT body FROM summaries WHERE conversation = ?1 AND version <= ?2 ORDER BY version DESC LIMIT ?3",
    )?;
    let rows = statement
        .query_map((conversation, stored(first), stored(limit as u64)), |row| json(row.get_ref(0)?.as_bytes()?, 0))?;
    Ok((rows.collect::<Result<_, _>>()?, total))
}

/// A gist made before.
pub(super) fn gist(connection: &Connection, of: &ConversationKey, key: &GistKey) -> rusqlite::Result<Option<Gist>> {
    let Some(conversation) = id(connection, of)? else { return Ok(None) };
    let body: Option<String> = connection
        .prepare_cached("SELECT body FROM gists WHERE conversation = ?1 AND content = ?2 AND maker = ?3")?
        .query_row((conversation, key.content.as_bytes(), key.maker.as_str()), |row| row.get(0))
        .optional()?;
    Ok(body.map(|body| Gist(body.into())))
}

/// Keeps a gist, if the conversation has a view.
pub(super) fn save_gist(
    connection: &Connection,
    of: &ConversationKey,
    key: &GistKey,
    gist: &Gist,
) -> rusqlite::Result<()> {
    let Some(conversation) = id(connection, of)? else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO gists (conversation, content, maker, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (conversation, content, maker) DO UPDATE SET body = excluded.body",
        )?
        .execute((conversation, key.content.as_bytes(), key.maker.as_str(), &*gist.0))?;
    Ok(())
}
