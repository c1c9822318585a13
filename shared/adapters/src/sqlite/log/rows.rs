//! Rows read as records and heads. Law: what cannot be a record is reported as corrupt, never guessed.

use std::str::from_utf8;

use rusqlite::{Connection, OptionalExtension as _, Row, types::ValueRef};
use shared::domain::{
    ConversationKey, EndReason, MessageId, Metadata, Posted, Record, RecordBody, Seq, Timestamp, UserId,
};

use super::change;
use super::schema::Kind;
use crate::sqlite::failure::corrupt;

/// The columns that [`record`] reads, in its order.
pub(super) const RECORD: &str =
    "seq, kind, newest, received, late_at, message_id, salt, user, metadata, content, change";

/// One record.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let newest: i64 = row.get(2)?;
    let received: i64 = row.get(3)?;
    let change = |error| corrupt(10, error);
    let body = match Kind::read(row.get(1)?)? {
        Kind::Message => RecordBody::Posted(posted(row, newest, false)?),
        Kind::Late => RecordBody::Posted(posted(row, row.get(4)?, true)?),
        Kind::EndRequested => RecordBody::Ended(EndReason::Requested),
        Kind::EndIdle => RecordBody::Ended(EndReason::Idle),
        Kind::Tombstone => RecordBody::Tombstone,
        Kind::Removed => RecordBody::Removed(change::read_trace(bytes(row, 10)?).map_err(change)?),
        kind @ (Kind::Edited | Kind::Erased) => change::read_record(kind, bytes(row, 10)?).map_err(change)?,
    };
    Ok(Record { seq: seq(row, 0)?, received_at: Timestamp::from_millis(newest.saturating_add(received)), body })
}

fn posted(row: &Row<'_>, timestamp: i64, late: bool) -> rusqlite::Result<Posted> {
    let message_id = text(row, 5)?.map(MessageId::parse).transpose().map_err(|error| corrupt(5, error))?;
    let metadata = text(row, 8)?.map(Metadata::parse).transpose().map_err(|error| corrupt(8, error))?;
    Ok(Posted {
        user: UserId::parse(text(row, 7)?.unwrap_or_default()).map_err(|error| corrupt(7, error))?,
        message_id,
        content: text(row, 9)?.unwrap_or_default().into(),
        timestamp: Timestamp::from_millis(timestamp),
        metadata,
        salt: row.get(6)?,
        late,
        edit: match bytes(row, 10)? {
            [] => None,
            mark => Some(Box::new(change::read_mark(mark).map_err(|error| corrupt(10, error))?)),
        },
    })
}

/// Bytes; none where there is nothing.
fn bytes<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r [u8]> {
    Ok(row.get_ref(column)?.as_blob_or_null()?.unwrap_or_default())
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<Option<&'r str>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => from_utf8(bytes).map(Some).map_err(|error| corrupt(column, error)),
        other => Err(rusqlite::Error::InvalidColumnType(column, "text".to_owned(), other.data_type())),
    }
}

/// A number that counts.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let stored: i64 = row.get(column)?;
    u64::try_from(stored).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, stored))
}

fn seq(row: &Row<'_>, column: usize) -> rusqlite::Result<Seq> {
    number(row, column).map(Seq)
}

/// A count or seq as it is stored. Seqs end long before this limit is reached.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The number under which a conversation's records stand.
pub(super) fn conversation(connection: &Connection, key: &ConversationKey) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM conversations WHERE tenant = ?1 AND name = ?2")?
        .query_row((key.tenant.as_str(), key.conversation.as_str()), |row| row.get(0))
        .optional()
}

/// What the last record of a conversation says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub(super) seq: u64,
    pub(super) kind: Kind,
    /// The newest timestamp of a message; [`Timestamp::MIN`] before the first.
    pub(super) newest: i64,
    pub(super) received_at: i64,
    /// How many records are no messages.
    pub(super) others: u64,
    /// Where the asides that end with it begin.
    pub(super) run: Option<u64>,
    /// How the conversation has ended, if no message came since.
    pub(super) ended: Option<EndReason>,
}

impl Tail {
    /// Before the first record.
    pub(super) const EMPTY: Self = Self {
        seq: 0,
        kind: Kind::Tombstone,
        newest: Timestamp::MIN.as_millis(),
        received_at: Timestamp::MIN.as_millis(),
        others: 0,
        run: None,
        ended: None,
    };
}

/// The last record of a conversation.
pub(super) fn tail(connection: &Connection, conversation: i64) -> rusqlite::Result<Option<Tail>> {
    connection
        .prepare_cached(
            "SELECT seq, kind, newest, received, others, run, change FROM records WHERE conversation = ?1
             ORDER BY seq DESC LIMIT 1",
        )?
        .query_row([conversation], |row| {
            let newest: i64 = row.get(2)?;
            let run: Option<i64> = row.get(5)?;
            let kind = Kind::read(row.get(1)?)?;
            let ended = match kind {
                Kind::EndRequested => Some(EndReason::Requested),
                Kind::EndIdle => Some(EndReason::Idle),
                Kind::Edited | Kind::Erased => change::read_ended(bytes(row, 6)?).map_err(|error| corrupt(6, error))?,
                Kind::Message | Kind::Late | Kind::Tombstone | Kind::Removed => None,
            };
            Ok(Tail {
                seq: number(row, 0)?,
                kind,
                newest,
                received_at: newest.saturating_add(row.get(3)?),
                others: number(row, 4)?,
                run: run.and_then(|seq| u64::try_from(seq).ok()),
                ended,
            })
        })
        .optional()
}
