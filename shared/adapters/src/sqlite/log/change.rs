//! Messages edited and erased. Law: a change and its record are one commit, and of what a message said before only its
//! trace is left in its row.
//!
//! The column `change`, numbers big-endian:
//!
//! ```text
//! erased message   leaf (32) ‖ weight (4)
//! edited message   leaf (32) ‖ weight (4) ‖ when (8)
//! record of edit   how the conversation had ended (1) ‖ target (8) ‖ leaf (32)
//! of erasure       how the conversation had ended (1) ‖ target (8)
//! ```

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _, params};
use shared::domain::{Digest, EditMark, EndReason, Metadata, Posted, Record, RecordBody, Seq, Timestamp, Trace};
use shared::ports::{AppendError, Edit, Entry};
use thiserror::Error;

use super::heads::Place;
use super::rows::{RECORD, record, stored};
use super::schema::Kind;

/// A `change` that is none of these.
#[derive(Debug, Error)]
#[error("not a change")]
pub(super) struct Unreadable;

/// Of a message that was erased.
pub(super) fn trace_bytes(trace: &Trace) -> Vec<u8> {
    [trace.leaf.as_bytes().as_slice(), &trace.weight.to_be_bytes()].concat()
}

fn mark_bytes(mark: &EditMark) -> Vec<u8> {
    [&trace_bytes(&mark.trace)[..], &mark.at.as_millis().to_be_bytes()].concat()
}

/// Of the record of a change.
pub(super) fn record_bytes(entry: &Entry, ended: Option<EndReason>) -> Option<Vec<u8>> {
    let ended: u8 = match ended {
        None => 0,
        Some(EndReason::Requested) => 1,
        Some(EndReason::Idle) => 2,
    };
    let head = [&[ended][..], &entry.target()?.0.to_be_bytes()].concat();
    Some(match entry {
        Entry::Edited(Edit { target, content, metadata, salt }) => {
            [&head[..], Digest::edited(*target, content, metadata.as_ref(), salt).as_bytes()].concat()
        }
        _ => head,
    })
}

fn trace(bytes: &[u8]) -> Result<(Trace, &[u8]), Unreadable> {
    let (leaf, rest) = bytes.split_first_chunk::<32>().ok_or(Unreadable)?;
    let (weight, rest) = rest.split_first_chunk::<4>().ok_or(Unreadable)?;
    Ok((Trace { leaf: Digest::from_bytes(*leaf), weight: u32::from_be_bytes(*weight) }, rest))
}

/// Of a message that was erased.
pub(super) fn read_trace(bytes: &[u8]) -> Result<Trace, Unreadable> {
    let (trace, rest) = trace(bytes)?;
    rest.is_empty().then_some(trace).ok_or(Unreadable)
}

/// Of a message that was edited.
pub(super) fn read_mark(bytes: &[u8]) -> Result<EditMark, Unreadable> {
    let (trace, rest) = trace(bytes)?;
    let at: [u8; 8] = rest.try_into().map_err(|_| Unreadable)?;
    Ok(EditMark { at: Timestamp::from_millis(i64::from_be_bytes(at)), trace })
}

/// How the conversation had ended where this change was appended.
pub(super) fn read_ended(bytes: &[u8]) -> Result<Option<EndReason>, Unreadable> {
    match bytes.first() {
        Some(0) => Ok(None),
        Some(1) => Ok(Some(EndReason::Requested)),
        Some(2) => Ok(Some(EndReason::Idle)),
        _ => Err(Unreadable),
    }
}

/// What the record of a change says.
pub(super) fn read_record(kind: Kind, bytes: &[u8]) -> Result<RecordBody, Unreadable> {
    let rest = bytes.get(1..).ok_or(Unreadable)?;
    let (target, rest) = rest.split_first_chunk::<8>().ok_or(Unreadable)?;
    let target = Seq(u64::from_be_bytes(*target));
    if kind == Kind::Erased {
        return rest.is_empty().then_some(RecordBody::Erased { target }).ok_or(Unreadable);
    }
    let leaf = Digest::from_bytes(rest.try_into().map_err(|_| Unreadable)?);
    Ok(RecordBody::Edited { target, leaf })
}

/// Checks the changes of a batch. Answers which entries need no record, ascending: what they erase has gone already.
pub(super) fn check(
    connection: &Connection,
    place: Option<Place>,
    entries: &[Entry],
) -> rusqlite::Result<Result<Vec<usize>, AppendError>> {
    let (mut needless, mut erased) = (Vec::new(), HashSet::new());
    for (index, entry) in entries.iter().enumerate() {
        let Some(target) = entry.target() else { continue };
        let found = match place {
            Some(place) => find(connection, place.conversation, target)?,
            None => return Ok(Err(AppendError::NotFound)),
        };
        let gone = match found.map(|record| record.body) {
            Some(RecordBody::Posted(_)) => erased.contains(&target),
            Some(RecordBody::Removed(_)) => true,
            _ => return Ok(Err(AppendError::NoMessage { target })),
        };
        match entry {
            Entry::Erased(_) if gone => needless.push(index),
            Entry::Erased(_) => drop(erased.insert(target)),
            _ if gone => return Ok(Err(AppendError::MessageErased { target })),
            _ => {}
        }
    }
    Ok(Ok(needless))
}

fn find(connection: &Connection, conversation: i64, seq: Seq) -> rusqlite::Result<Option<Record>> {
    let sql = format!("SELECT {RECORD} FROM records WHERE conversation = ?1 AND seq = ?2");
    connection.prepare_cached(&sql)?.query_row((conversation, stored(seq.0)), record).optional()
}

/// Changes the message of a change.
pub(super) fn apply(connection: &Connection, conversation: i64, entry: &Entry, at: Timestamp) -> rusqlite::Result<()> {
    let Some(target) = entry.target() else { return Ok(()) };
    let Some(RecordBody::Posted(posted)) = find(connection, conversation, target)?.map(|record| record.body) else {
        return Ok(());
    };
    match entry {
        Entry::Edited(edit) => self::edit(connection, conversation, edit, &EditMark { at, trace: posted.trace() }),
        _ => erase(connection, conversation, target, &posted),
    }
}

fn edit(connection: &Connection, conversation: i64, edit: &Edit, mark: &EditMark) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE records SET salt = ?3, metadata = ?4, content = ?5, change = ?6
             WHERE conversation = ?1 AND seq = ?2",
        )?
        .execute(params![
            conversation,
            stored(edit.target.0),
            edit.salt,
            edit.metadata.as_ref().map(Metadata::as_json),
            &*edit.content,
            mark_bytes(mark),
        ])?;
    Ok(())
}

/// The row joins the run of asides before it, so that long stretches of erased messages are jumped like others.
fn erase(connection: &Connection, conversation: i64, target: Seq, posted: &Posted) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE records SET kind = ?3, late_at = NULL, salt = NULL, user = NULL, metadata = NULL, content = NULL,
                 change = ?4, run = coalesce(run,
                     (SELECT run FROM records WHERE conversation = ?1 AND seq = ?2 - 1), seq)
             WHERE conversation = ?1 AND seq = ?2",
        )?
        .execute(params![conversation, stored(target.0), Kind::Removed.code(), trace_bytes(&posted.trace())])?;
    Ok(())
}
