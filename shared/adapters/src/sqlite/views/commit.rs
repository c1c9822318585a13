//! Views moved forward by compare-and-set. Law: the participations of a step change with its view or not at all.

use rusqlite::{Connection, OptionalExtension as _, params};
use shared::domain::{ConversationKey, Digest, Seq, TenantId, Timestamp};
use shared::ports::{CasOutcome, ParticipationDelta, ProjectionStep};
use shared::projections::ConversationView;

use super::rows::{number, stored};

/// A step made ready outside the writer's thread.
pub(super) struct Prepared {
    step: ProjectionStep,
    body: Vec<u8>,
}

impl Prepared {
    pub(super) fn new(step: ProjectionStep) -> Result<Self, serde_json::Error> {
        let body = step.view.to_json()?;
        Ok(Self { step, body })
    }

    /// Whether it takes the place of views that were made from other texts.
    pub(super) fn is_whole(&self) -> bool {
        self.step.whole
    }
}

struct Found {
    id: i64,
    applied: (Seq, Digest),
    covered: u64,
    uncovered: bool,
}

/// Commits one step, if its view stands where the step was made from.
pub(super) fn commit(connection: &Connection, prepared: &Prepared) -> rusqlite::Result<CasOutcome> {
    let step = &prepared.step;
    let id = match (find(connection, &step.key)?, step.from) {
        (None, None) => insert(connection, prepared)?,
        (Some(found), Some(from)) if found.applied == from => {
            update(connection, prepared, &found)?;
            if step.whole {
                leave(connection, found.id)?;
            }
            found.id
        }
        _ => return Ok(CasOutcome::Stale),
    };
    participate(connection, &step.key.tenant, id, &step.participations)?;
    Ok(CasOutcome::Applied)
}

/// Puts a view in place of whatever is there, with exactly these participations.
pub(super) fn replace(connection: &Connection, prepared: &Prepared) -> rusqlite::Result<()> {
    let step = &prepared.step;
    let id = match find(connection, &step.key)? {
        None => insert(connection, prepared)?,
        Some(found) => {
            update(connection, prepared, &found)?;
            leave(connection, found.id)?;
            found.id
        }
    };
    participate(connection, &step.key.tenant, id, &step.participations)
}

fn find(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<Option<Found>> {
    connection
        .prepare_cached(
            "SELECT id, applied_seq, digest, covered, uncovered FROM conversations WHERE tenant = ?1 AND name = ?2",
        )?
        .query_row((key.tenant.as_str(), key.conversation.as_str()), |row| {
            Ok(Found {
                id: row.get(0)?,
                applied: (Seq(number(row, 1)?), Digest::from_bytes(row.get(2)?)),
                covered: number(row, 3)?,
                uncovered: row.get(4)?,
            })
        })
        .optional()
}

fn insert(connection: &Connection, Prepared { step, body }: &Prepared) -> rusqlite::Result<i64> {
    let view = &step.view;
    let (newest, newest_seq) = newest(step);
    connection
        .prepare_cached(
            "INSERT INTO conversations (tenant, name, applied_seq, digest, newest, newest_seq, last_message, received,
                 ended, covered, uncovered, version, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?7 > 0, 0, ?10)",
        )?
        .insert(params![
            step.key.tenant.as_str(),
            step.key.conversation.as_str(),
            stored(view.applied_seq.0),
            view.digest.as_bytes(),
            newest,
            newest_seq,
            stored(told(view)),
            view.received_at.as_millis(),
            view.ended.is_some(),
            body,
        ])
}

fn update(connection: &Connection, Prepared { step, body }: &Prepared, found: &Found) -> rusqlite::Result<()> {
    let view = &step.view;
    let (newest, newest_seq) = newest(step);
    connection
        .prepare_cached(
            "UPDATE conversations SET applied_seq = ?2, digest = ?3, newest = ?4, newest_seq = ?5, last_message = ?6,
                 received = ?7, ended = ?8, body = ?9 WHERE id = ?1",
        )?
        .execute(params![
            found.id,
            stored(view.applied_seq.0),
            view.digest.as_bytes(),
            newest,
            newest_seq,
            stored(told(view)),
            view.received_at.as_millis(),
            view.ended.is_some(),
            body,
        ])?;
    let uncovered = told(view) > found.covered;
    if uncovered != found.uncovered {
        // Apart, so that its index is touched only when it changes.
        connection
            .prepare_cached("UPDATE conversations SET uncovered = ?2 WHERE id = ?1")?
            .execute((found.id, uncovered))?;
    }
    Ok(())
}

/// Up to where there is something to summarize: zero where every message was erased.
fn told(view: &ConversationView) -> u64 {
    if view.messages == 0 { 0 } else { view.last_message.0 }
}

fn newest(step: &ProjectionStep) -> (i64, i64) {
    let newest = step.view.newest;
    newest.map_or((Timestamp::MIN.as_millis(), 0), |newest| (newest.timestamp.as_millis(), stored(newest.seq.0)))
}

fn participate(
    connection: &Connection,
    tenant: &TenantId,
    conversation: i64,
    deltas: &[ParticipationDelta],
) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO participations (conversation, user, first, last, last_seq, messages)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (conversation, user) DO UPDATE SET first = min(first, excluded.first),
             last_seq = CASE WHEN excluded.last >= last THEN excluded.last_seq ELSE last_seq END,
             last = max(last, excluded.last), messages = messages + excluded.messages",
    )?;
    for delta in deltas {
        let user = user(connection, tenant, delta.user.as_str())?;
        upsert.execute((
            conversation,
            user,
            delta.first.as_millis(),
            delta.last.as_millis(),
            stored(delta.last_seq.0),
            stored(delta.messages),
        ))?;
    }
    Ok(())
}

fn user(connection: &Connection, tenant: &TenantId, name: &str) -> rusqlite::Result<i64> {
    let known = connection
        .prepare_cached("SELECT id FROM users WHERE tenant = ?1 AND name = ?2")?
        .query_row((tenant.as_str(), name), |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => Ok(id),
        None => connection
            .prepare_cached("INSERT INTO users (tenant, name) VALUES (?1, ?2)")?
            .insert((tenant.as_str(), name)),
    }
}

/// Removes the participations of a conversation, and the users that are in no other one.
pub(super) fn leave(connection: &Connection, conversation: i64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("SELECT user FROM participations WHERE conversation = ?1")?;
    let users: Vec<i64> = statement.query_map([conversation], |row| row.get(0))?.collect::<Result<_, _>>()?;
    connection.prepare_cached("DELETE FROM participations WHERE conversation = ?1")?.execute([conversation])?;
    let mut forget = connection.prepare_cached(
        "DELETE FROM users WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM participations WHERE user = ?1)",
    )?;
    for user in users {
        forget.execute([user])?;
    }
    Ok(())
}
