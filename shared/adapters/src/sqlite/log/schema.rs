//! Tables of `log.db`. Law: what the newest record of a conversation says is enough to go on after it.
//!
//! Records lie in order of arrival, so that a commit touches few pages; the unique index gives each conversation
//! its order. `newest` is the newest timestamp of a message up to this record, so it never falls with `seq` and
//! can be searched like `seq` itself. For a message that is in time order it is the message's own timestamp.
//!
//! Records other than messages in time order are *asides*: few, and in two partial indexes, so that the order of
//! time is the records by seq without the asides, merged with the late ones.

use crate::sqlite::format::Format;

pub(in crate::sqlite) const FORMAT: Format = Format { application_id: 0x5265_6c6f, steps: &[VERSION_1, VERSION_2] };

/// `received` is the time of receipt minus `newest`; `others` counts the records up to this one that are no
/// messages; `run` is where the asides that end with this one begin. All three are zero or absent in nearly all
/// records, which then take no room. `content` comes last, since it may spill over to other pages.
const VERSION_1: &str = "
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (tenant, name)
) STRICT;
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    received INTEGER NOT NULL,
    others INTEGER NOT NULL,
    late_at INTEGER,
    run INTEGER,
    message_id TEXT,
    salt BLOB,
    user TEXT,
    metadata TEXT,
    content TEXT
) STRICT;
CREATE UNIQUE INDEX by_seq ON records (conversation, seq);
CREATE INDEX asides ON records (conversation, seq) WHERE kind > 0;
CREATE INDEX late ON records (conversation, late_at, seq) WHERE kind = 1;
CREATE UNIQUE INDEX message_ids ON records (conversation, message_id) WHERE message_id IS NOT NULL;
CREATE TABLE idempotency (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    body BLOB NOT NULL,
    conversation TEXT NOT NULL,
    inserted INTEGER NOT NULL,
    duplicates INTEGER NOT NULL,
    received INTEGER NOT NULL
) STRICT;
CREATE TABLE erasures (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE sweeps (conversation INTEGER PRIMARY KEY) STRICT;
CREATE TABLE arrivals (only INTEGER PRIMARY KEY CHECK (only = 1), next INTEGER NOT NULL) STRICT;
INSERT INTO arrivals VALUES (1, 1);
";

/// `change` says what became of a message, or which one a record changes (see `change`); absent in nearly all records.
const VERSION_2: &str = "
ALTER TABLE records ADD COLUMN change BLOB;
";

/// What a record is, as stored in `kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A message in time order.
    Message,
    /// A message older than the newest before it.
    Late,
    /// The end, asked for.
    EndRequested,
    /// The end after a silence.
    EndIdle,
    /// A seq that was never filled.
    Tombstone,
    /// A message that was erased.
    Removed,
    /// A message was edited.
    Edited,
    /// A message was erased.
    Erased,
}

impl Kind {
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Message => 0,
            Self::Late => 1,
            Self::EndRequested => 2,
            Self::EndIdle => 3,
            Self::Tombstone => 4,
            Self::Removed => 5,
            Self::Edited => 6,
            Self::Erased => 7,
        }
    }

    pub(super) fn is_message(self) -> bool {
        matches!(self, Self::Message | Self::Late)
    }

    /// Whether it says something, or changes what was said.
    pub(super) fn tells(self) -> bool {
        self.is_message() || matches!(self, Self::Edited | Self::Erased)
    }

    pub(super) fn read(code: i64) -> rusqlite::Result<Self> {
        match code {
            0 => Ok(Self::Message),
            1 => Ok(Self::Late),
            2 => Ok(Self::EndRequested),
            3 => Ok(Self::EndIdle),
            4 => Ok(Self::Tombstone),
            5 => Ok(Self::Removed),
            6 => Ok(Self::Edited),
            7 => Ok(Self::Erased),
            _ => Err(rusqlite::Error::IntegralValueOutOfRange(0, code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::SqliteMessageLog;
    use super::*;

    use rusqlite::Connection;
    use shared::domain::{ConversationId, ConversationKey, RecordBody, Seq, TenantId};
    use shared::ports::MessageLog as _;
    use shared_testkit::conformance::build::{append, changes, edit, erase, texts};

    #[tokio::test(flavor = "multi_thread")]
    async fn messages_of_the_first_format_can_be_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log.db");
        let mut connection = Connection::open(&file).unwrap();
        let first = Format { application_id: FORMAT.application_id, steps: &[VERSION_1] };
        first.migrate(&mut connection, &file).unwrap();
        let rows = "INSERT INTO conversations VALUES (1, 'public', 'c');
            INSERT INTO records VALUES (1, 1, 1, 0, 10, 0, 0, NULL, NULL, 'm', zeroblob(16), 'u', NULL, 'first');
            INSERT INTO records VALUES (2, 1, 2, 0, 20, 0, 0, NULL, NULL, NULL, zeroblob(16), 'u', NULL, 'second');
            INSERT INTO records VALUES (3, 1, 3, 2, 20, 0, 1, NULL, 3, NULL, NULL, NULL, NULL, NULL);";
        connection.execute_batch(rows).unwrap();
        drop(connection);
        let log = SqliteMessageLog::open(folder.path()).unwrap();
        let key = ConversationKey::new(TenantId::public(), ConversationId::parse("c").unwrap());
        let ended = log.head(&key).await.unwrap().unwrap();
        assert_eq!((ended.seq, ended.messages, ended.ended.is_some()), (Seq(3), 2, true));
        let done = append(&log, changes(&key, 30, vec![edit(1, "better"), erase(2)])).await.unwrap();
        assert_eq!((done.inserted, done.head), (2, Seq(5)));
        let records = log.read(&key, Seq(1), 9).await.unwrap();
        assert_eq!(texts(&records), ["better", "-", "-", "-", "-"]);
        assert!(matches!(records[1].body, RecordBody::Removed(_)));
        let head = log.head(&key).await.unwrap().unwrap();
        assert_eq!((head.messages, head.ended), (1, ended.ended));
    }
}
