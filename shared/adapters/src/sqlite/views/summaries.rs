//! Summaries, their versions and gists: what was paid for. Law: kept beside a view only, so that nothing of an
//! erased conversation comes back through a worker that was still busy with it.

use rusqlite::{Connection, OptionalExtension as _, params};
use shared::domain::{ConversationKey, Seq, SummaryVersion, Version};
use shared::ports::{CasOutcome, Gist, GistKey, Span};

use super::rows::{id, json, number, stored};

/// A version made ready outside the writer's thread.
pub(super) struct Prepared {
    key: ConversationKey,
    epoch: u64,
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
        epoch: u64,
        previous: Version,
        summary: &SummaryVersion,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            key: key.clone(),
            epoch,
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
    let Some((conversation, newest, epoch)) = beside(connection, &summary.key)? else { return Ok(CasOutcome::Stale) };
    if newest != summary.previous.0 || epoch != summary.epoch {
        return Ok(CasOutcome::Stale);
    }
    connection
        .prepare_cached("INSERT INTO summaries (conversation, version, body, last_seq) VALUES (?1, ?2, ?3, ?4)")?
        .execute((conversation, stored(summary.version.0), &summary.body, stored(summary.covered)))?;
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

/// A view's number, the newest number given to a version, and its epoch.
fn beside(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<Option<(i64, u64, u64)>> {
    connection
        .prepare_cached("SELECT id, version, epoch FROM conversations WHERE tenant = ?1 AND name = ?2")?
        .query_row((key.tenant.as_str(), key.conversation.as_str()), |row| {
            Ok((row.get(0)?, number(row, 1)?, number(row, 2)?))
        })
        .optional()
}

/// The newest version; none where it was taken back.
pub(super) fn newest(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<Option<SummaryVersion>> {
    let Some((conversation, newest, _)) = beside(connection, key)? else { return Ok(None) };
    connection
        .prepare_cached("SELECT body FROM summaries WHERE conversation = ?1 AND version = ?2")?
        .query_row((conversation, stored(newest)), |row| json(row.get_ref(0)?.as_bytes()?, 0))
        .optional()
}

/// Versions, newest first, and how many there are.
pub(super) fn versions(
    connection: &Connection,
    key: &ConversationKey,
    offset: u64,
    limit: usize,
) -> rusqlite::Result<(Vec<SummaryVersion>, u64)> {
    let Some(conversation) = id(connection, key)? else { return Ok((Vec::new(), 0)) };
    let total = connection
        .prepare_cached("SELECT count(*) FROM summaries WHERE conversation = ?1")?
        .query_row([conversation], |row| number(row, 0))?;
    let mut statement = connection.prepare_cached(
        "SELECT body FROM summaries WHERE conversation = ?1 ORDER BY version DESC LIMIT ?2 OFFSET ?3",
    )?;
    let rows = statement
        .query_map((conversation, stored(limit as u64), stored(offset)), |row| json(row.get_ref(0)?.as_bytes()?, 0))?;
    Ok((rows.collect::<Result<_, _>>()?, total))
}

/// Takes back what was made from these messages, which ascend.
pub(super) fn retract(connection: &Connection, key: &ConversationKey, messages: &[Seq]) -> rusqlite::Result<Version> {
    let Some((conversation, newest, _)) = beside(connection, key)? else { return Ok(Version::ZERO) };
    let Some(first) = messages.first() else { return Ok(Version(newest)) };
    connection
        .prepare_cached("DELETE FROM summaries WHERE conversation = ?1 AND (last_seq IS NULL OR last_seq >= ?2)")?
        .execute((conversation, stored(first.0)))?;
    let mut gists = connection.prepare_cached("SELECT id, first, last FROM gists WHERE conversation = ?1")?;
    let made = gists.query_map([conversation], |row| {
        let seq = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok()).map(Seq);
        Ok((row.get::<_, i64>(0)?, seq(row.get(1)?), seq(row.get(2)?)))
    })?;
    let made = made.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut forget = connection.prepare_cached("DELETE FROM gists WHERE id = ?1")?;
    for (gist, first, last) in made {
        if first.zip(last).is_none_or(|(first, last)| Span { first, last }.holds_any(messages)) {
            forget.execute([gist])?;
        }
    }
    connection
        .prepare_cached(
            "UPDATE conversations SET epoch = epoch + 1, pointer = NULL, covered = 0, uncovered = last_message > 0,
                 degraded = 0 WHERE id = ?1",
        )?
        .execute([conversation])?;
    Ok(Version(newest))
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

/// Keeps a gist, if the conversation has a view of that epoch.
pub(super) fn save_gist(
    connection: &Connection,
    of: &ConversationKey,
    epoch: u64,
    key: &GistKey,
    span: Span,
    gist: &Gist,
) -> rusqlite::Result<()> {
    let Some((conversation, _, _)) = beside(connection, of)?.filter(|(_, _, now)| *now == epoch) else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO gists (conversation, content, maker, body, first, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (conversation, content, maker) DO UPDATE SET body = excluded.body, first = excluded.first,
                 last = excluded.last",
        )?
        .execute(params![
            conversation,
            key.content.as_bytes(),
            key.maker.as_str(),
            &*gist.0,
            stored(span.first.0),
            stored(span.last.0)
        ])?;
    Ok(())
}
