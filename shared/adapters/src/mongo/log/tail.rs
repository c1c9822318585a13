//! Where a conversation stands behind a record. Law: the next record needs nothing else.

use shared::domain::{EndReason, Timestamp};
use shared::ports::StoreError;

use super::super::failure::missing;

/// What a record is.
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
    /// Of a conversation that was erased.
    Erased,
    /// A message that was erased.
    Removed,
    /// A message was edited.
    Edit,
    /// A message was erased.
    Erasure,
}

impl Kind {
    pub(super) const fn code(self) -> i32 {
        match self {
            Self::Message => 0,
            Self::Late => 1,
            Self::EndRequested => 2,
            Self::EndIdle => 3,
            Self::Tombstone => 4,
            Self::Erased => 5,
            Self::Removed => 6,
            Self::Edit => 7,
            Self::Erasure => 8,
        }
    }

    pub(super) fn read(code: i64) -> Result<Self, StoreError> {
        match code {
            0 => Ok(Self::Message),
            1 => Ok(Self::Late),
            2 => Ok(Self::EndRequested),
            3 => Ok(Self::EndIdle),
            4 => Ok(Self::Tombstone),
            5 => Ok(Self::Erased),
            6 => Ok(Self::Removed),
            7 => Ok(Self::Edit),
            8 => Ok(Self::Erasure),
            _ => Err(missing("the kind of a record")),
        }
    }

    pub(super) fn is_message(self) -> bool {
        matches!(self, Self::Message | Self::Late)
    }

    /// Whether it changes a message.
    pub(super) fn is_change(self) -> bool {
        matches!(self, Self::Edit | Self::Erasure)
    }

    pub(super) fn ended(self) -> Option<EndReason> {
        match self {
            Self::EndRequested => Some(EndReason::Requested),
            Self::EndIdle => Some(EndReason::Idle),
            _ => None,
        }
    }
}

/// What the last record of a conversation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) seq: u64,
    pub(super) kind: Kind,
    /// The newest timestamp of a message; [`Timestamp::MIN`] before the first.
    pub(super) newest: Timestamp,
    pub(super) received: Timestamp,
    /// How many records are no messages.
    pub(super) others: u64,
    /// How many are late messages, or were before they were erased.
    pub(super) lates: u64,
    /// How many are erasures of messages; a message may have several after a crash, so this says only whether there
    /// are any.
    pub(super) erasures: u64,
    /// Why the conversation ended, if no message came since.
    pub(super) ended: Option<EndReason>,
}

impl Tail {
    /// Before the first record.
    pub(super) const EMPTY: Self = Self {
        seq: 0,
        kind: Kind::Tombstone,
        newest: Timestamp::MIN,
        received: Timestamp::MIN,
        others: 0,
        lates: 0,
        erasures: 0,
        ended: None,
    };

    /// After one more record that is no message.
    pub(super) fn aside(&self, kind: Kind, received: Timestamp) -> Self {
        let ended = if kind.is_change() { self.ended } else { kind.ended() };
        let erasures = self.erasures + u64::from(kind == Kind::Erasure);
        Self { seq: self.seq + 1, kind, received, others: self.others + 1, erasures, ended, ..*self }
    }

    /// After one more message.
    pub(super) fn message(&self, at: Timestamp, received: Timestamp) -> Self {
        let seq = self.seq + 1;
        if at < self.newest {
            return Self { seq, kind: Kind::Late, received, lates: self.lates + 1, ended: None, ..*self };
        }
        Self { seq, kind: Kind::Message, newest: at, received, ended: None, ..*self }
    }
}

/// All records that one commit adds to one conversation. They count only when all of them are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) first: u64,
    pub(super) count: u64,
    pub(super) nonce: i64,
}

impl Group {
    /// The seq behind its last record.
    pub(super) const fn end(&self) -> u64 {
        self.first + self.count
    }
}
