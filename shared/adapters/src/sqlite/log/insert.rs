//! Records put into the table. Law: what memory says of a conversation's end is what its last record says.
//!
//! Most records are messages in time order, next to others of the same batch. Those go in by statements of
//! [`ROWS`] rows: opening a statement's cursors and binding what all rows share costs as much as the rows themselves.

use std::fmt::Write as _;

use rusqlite::{Connection, Statement};
use shared::domain::{EndReason, MessageId, Metadata, Timestamp};
use shared::ports::{Draft, Entry};

use super::change;
use super::rows::{Tail, stored};
use super::schema::Kind;

/// Rows of the large statement.
const ROWS: usize = 16;
/// Parameters that its rows share, and parameters of each row.
const SHARED: usize = 4;
const OWN: usize = 7;

const ONE: &str = "INSERT INTO records (id, conversation, seq, kind, newest, received, others, late_at, run,
     message_id, salt, user, metadata, content, change)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

/// The statement of many rows: the first four parameters are the place of the first row in order of arrival, the
/// conversation, the first seq, and the number of records that are no messages. `OR ROLLBACK`, because the default
/// keeps a journal of each statement, so as to undo it alone, and here any failure undoes the transaction.
fn many() -> String {
    let mut sql = String::from(
        "INSERT OR ROLLBACK INTO records (id, conversation, seq, kind, others, newest, received, message_id, salt, user,
         metadata, content) VALUES ",
    );
    for row in 0..ROWS {
        let first = SHARED + row * OWN;
        let comma = if row == 0 { "" } else { ", " };
        // Writing to a text cannot fail.
        let _ = write!(sql, "{comma}(?1 + {row}, ?2, ?3 + {row}, 0, ?4");
        for own in 1..=OWN {
            let _ = write!(sql, ", ?{}", first + own);
        }
        sql.push(')');
    }
    sql
}

/// The statements, and the place of the next record.
pub(super) struct Inserter<'c> {
    one: Statement<'c>,
    many: Statement<'c>,
    /// In order of arrival. Never given twice, so that no reader of arrivals misses a record.
    pub(super) next_arrival: u64,
}

impl<'c> Inserter<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self { one: connection.prepare(ONE)?, many: connection.prepare(&many())?, next_arrival: 0 })
    }

    /// Inserts entries after `tail`, all but those at the indexes that are left out (ascending).
    pub(super) fn insert(
        &mut self,
        conversation: i64,
        mut tail: Tail,
        (entries, left_out): (&[Entry], &[usize]),
        received_at: i64,
    ) -> rusqlite::Result<Tail> {
        let mut index = 0;
        while index < entries.len() {
            if left_out.is_empty()
                && let Some(rows) = entries.get(index..index + ROWS)
                && in_order(rows, tail.newest, received_at)
            {
                tail = self.rows(conversation, &tail, rows, received_at)?;
                index += ROWS;
                continue;
            }
            if left_out.binary_search(&index).is_err() {
                tail = self.row(conversation, &tail, &entries[index], received_at)?;
            }
            index += 1;
        }
        Ok(tail)
    }

    fn rows(&mut self, conversation: i64, tail: &Tail, rows: &[Entry], received_at: i64) -> rusqlite::Result<Tail> {
        let statement = &mut self.many;
        statement.raw_bind_parameter(1, stored(self.next_arrival))?;
        statement.raw_bind_parameter(2, conversation)?;
        statement.raw_bind_parameter(3, stored(tail.seq + 1))?;
        statement.raw_bind_parameter(4, stored(tail.others))?;
        let (mut newest, mut parameter) = (tail.newest, SHARED);
        for entry in rows {
            let Entry::Posted(draft) = entry else { continue };
            newest = effective(draft, received_at);
            statement.raw_bind_parameter(parameter + 1, newest)?;
            statement.raw_bind_parameter(parameter + 2, received_at.saturating_sub(newest))?;
            statement.raw_bind_parameter(parameter + 3, draft.message_id.as_ref().map(MessageId::as_str))?;
            statement.raw_bind_parameter(parameter + 4, draft.salt)?;
            statement.raw_bind_parameter(parameter + 5, draft.user.as_str())?;
            statement.raw_bind_parameter(parameter + 6, draft.metadata.as_ref().map(Metadata::as_json))?;
            statement.raw_bind_parameter(parameter + 7, &*draft.content)?;
            parameter += OWN;
        }
        statement.raw_execute()?;
        self.next_arrival += ROWS as u64;
        Ok(Tail {
            seq: tail.seq + ROWS as u64,
            kind: Kind::Message,
            newest,
            received_at,
            others: tail.others,
            run: None,
            ended: None,
        })
    }

    fn row(&mut self, conversation: i64, tail: &Tail, entry: &Entry, received_at: i64) -> rusqlite::Result<Tail> {
        let (kind, late_at, newest) = place_in_time(tail, entry, received_at);
        let seq = tail.seq + 1;
        let run = (kind != Kind::Message).then(|| tail.run.unwrap_or(seq));
        // An erasure makes the message that it erases one of the others too.
        let others = tail.others + u64::from(!kind.is_message()) + u64::from(kind == Kind::Erased);
        let ended = match entry {
            Entry::Posted(_) => None,
            Entry::Ended(reason) => Some(*reason),
            Entry::Edited(_) | Entry::Erased(_) => tail.ended,
        };
        let draft = entry.draft();
        let statement = &mut self.one;
        statement.raw_bind_parameter(1, stored(self.next_arrival))?;
        statement.raw_bind_parameter(2, conversation)?;
        statement.raw_bind_parameter(3, stored(seq))?;
        statement.raw_bind_parameter(4, kind.code())?;
        statement.raw_bind_parameter(5, newest)?;
        statement.raw_bind_parameter(6, received_at.saturating_sub(newest))?;
        statement.raw_bind_parameter(7, stored(others))?;
        statement.raw_bind_parameter(8, late_at)?;
        statement.raw_bind_parameter(9, run.map(stored))?;
        statement.raw_bind_parameter(10, draft.and_then(|draft| draft.message_id.as_ref()).map(MessageId::as_str))?;
        statement.raw_bind_parameter(11, draft.map(|draft| draft.salt))?;
        statement.raw_bind_parameter(12, draft.map(|draft| draft.user.as_str()))?;
        statement.raw_bind_parameter(13, draft.and_then(|draft| draft.metadata.as_ref()).map(Metadata::as_json))?;
        statement.raw_bind_parameter(14, draft.map(|draft| &*draft.content))?;
        statement.raw_bind_parameter(15, change::record_bytes(entry, ended))?;
        statement.raw_execute()?;
        self.next_arrival += 1;
        Ok(Tail { seq, kind, newest, received_at, others, run, ended })
    }
}

/// Whether all are messages, none of them older than the newest before it.
fn in_order(entries: &[Entry], mut newest: i64, received_at: i64) -> bool {
    entries.iter().all(|entry| match entry {
        Entry::Posted(draft) => {
            let at = effective(draft, received_at);
            let before = std::mem::replace(&mut newest, at);
            at >= before
        }
        _ => false,
    })
}

/// The kind of a new record, its own timestamp if it is late, and the newest timestamp after it.
fn place_in_time(tail: &Tail, entry: &Entry, received_at: i64) -> (Kind, Option<i64>, i64) {
    let draft = match entry {
        Entry::Posted(draft) => draft,
        Entry::Ended(EndReason::Requested) => return (Kind::EndRequested, None, tail.newest),
        Entry::Ended(EndReason::Idle) => return (Kind::EndIdle, None, tail.newest),
        Entry::Edited(_) => return (Kind::Edited, None, tail.newest),
        Entry::Erased(_) => return (Kind::Erased, None, tail.newest),
    };
    let at = effective(draft, received_at);
    if at < tail.newest { (Kind::Late, Some(at), tail.newest) } else { (Kind::Message, None, at) }
}

/// When a message was written, as far as it is known.
pub(super) fn effective(draft: &Draft, received_at: i64) -> i64 {
    draft.timestamp.map_or(received_at, Timestamp::as_millis)
}
