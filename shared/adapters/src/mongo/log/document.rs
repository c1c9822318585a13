//! Records as documents of `messages`. Law: what the last record of a conversation says is enough to go on after it.
//!
//! | field | what it is |
//! | --- | --- |
//! | `_id` | conversation (16 bytes) and seq (8 bytes, big-endian) |
//! | `k` | kind; absent for a message in time order |
//! | `n` | newest timestamp of a message up to this record, in milliseconds; never falls with seq |
//! | `r` | time of receipt, where it is not `n` |
//! | `o`, `l` | how many records up to this one are no messages, and how many are late; absent when none |
//! | `g` | random number of the group: all records that one commit adds to one conversation |
//! | `f`, `c` | how far behind the group's first record, and how many records the group has; absent where it is alone |
//! | `u`, `x`, `m`, `i`, `s` | user, text, metadata, the client's own id, salt |
//! | `mid` | the id's unique name in its index |
//! | `lf`, `wt`, `ed` | of a message edited or erased: its leaf, its weight, and when it was edited; `lf` of an edit too |
//! | `gone` | its own place, of an erased message that stood in order |
//! | `due` | when a message was changed, until the record of it is durable |
//! | `tg`, `w` | of a change: which message, and how the conversation had ended |
//! | `z` | how many erasures of messages there are, absent when none |
//! | `late` | conversation, timestamp and seq of a late message: its place in the index of late ones |
//! | `t`, `v` | tenant and conversation, on the first record only |
//! | `e` | on the first record of an erased conversation: the epoch in which the next one of that name lives |

mod make;

use mongodb::bson::{RawBsonRef, RawDocument};
use shared::domain::{
    Digest, EditMark, EndReason, MessageId, Metadata, Posted, Record, RecordBody, Salt, Seq, Timestamp, Trace, UserId,
};
use shared::ports::{Draft, StoreError};

use super::super::failure::{corrupt, missing};
use super::super::place::{self, Cid};
use super::tail::{Group, Kind, Tail};
pub(super) use make::{Maker, effective, tombstone};

/// A record's place, group and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Skeleton {
    pub(super) cid: Cid,
    pub(super) tail: Tail,
    pub(super) group: Group,
    /// Where the next conversation of that name lives, if this one was erased.
    pub(super) next_epoch: Option<u64>,
}

impl Skeleton {
    pub(super) const fn seq(&self) -> u64 {
        self.tail.seq
    }

    pub(super) fn erased(&self) -> bool {
        self.tail.kind == Kind::Erased
    }
}

/// The fields that [`Stored::skeleton`] needs.
pub(super) fn skeleton_fields() -> mongodb::bson::Document {
    mongodb::bson::doc! {
        "k": 1, "n": 1, "r": 1, "o": 1, "l": 1, "g": 1, "f": 1, "c": 1, "e": 1, "z": 1, "w": 1,
    }
}

/// A document as it was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'d> {
    pub(super) skeleton: Skeleton,
    user: Option<&'d str>,
    content: Option<&'d str>,
    metadata: Option<&'d str>,
    message_id: Option<&'d str>,
    salt: Option<&'d [u8]>,
    late: Option<&'d [u8]>,
    leaf: Option<&'d [u8]>,
    weight: u64,
    edited: Option<i64>,
    target: u64,
    /// When it was changed, if the record of that is not durable yet.
    pub(super) due: Option<i64>,
    pub(super) mid: Option<&'d [u8]>,
    pub(super) tenant: Option<&'d str>,
    pub(super) conversation: Option<&'d str>,
}

impl<'d> Stored<'d> {
    /// Reads a document in one pass.
    pub(super) fn read(document: &'d RawDocument) -> Result<Self, StoreError> {
        let mut id: &[u8] = &[];
        let (mut user, mut content, mut metadata, mut message_id) = (None, None, None, None);
        let (mut salt, mut late, mut mid, mut tenant, mut conversation) = (None, None, None, None, None);
        let (mut kind, mut newest, mut received, mut next_epoch) = (0, Timestamp::MIN.as_millis(), None, None);
        let (mut others, mut lates, mut nonce, mut offset, mut count) = (0, 0, 0, 0, 1);
        let (mut leaf, mut weight, mut edited, mut target, mut due) = (None, 0, None, 0, None);
        let (mut erasures, mut ended) = (0, 0);
        for field in document {
            let (name, value) = field.map_err(|error| corrupt("a record", error))?;
            match (name.as_str(), value) {
                ("_id", RawBsonRef::Binary(value)) => id = value.bytes,
                ("mid", RawBsonRef::Binary(value)) => mid = Some(value.bytes),
                ("late", RawBsonRef::Binary(value)) => late = Some(value.bytes),
                ("s", RawBsonRef::Binary(value)) => salt = Some(value.bytes),
                ("lf", RawBsonRef::Binary(value)) => leaf = Some(value.bytes),
                ("u", RawBsonRef::String(value)) => user = Some(value),
                ("x", RawBsonRef::String(value)) => content = Some(value),
                ("m", RawBsonRef::String(value)) => metadata = Some(value),
                ("i", RawBsonRef::String(value)) => message_id = Some(value),
                ("t", RawBsonRef::String(value)) => tenant = Some(value),
                ("v", RawBsonRef::String(value)) => conversation = Some(value),
                ("k", value) => kind = number(value)?,
                ("n", value) => newest = number(value)?,
                ("r", value) => received = Some(number(value)?),
                ("o", value) => others = counted(value)?,
                ("l", value) => lates = counted(value)?,
                ("g", value) => nonce = number(value)?,
                ("f", value) => offset = counted(value)?,
                ("c", value) => count = counted(value)?,
                ("e", value) => next_epoch = Some(counted(value)?),
                ("wt", value) => weight = counted(value)?,
                ("ed", value) => edited = Some(number(value)?),
                ("tg", value) => target = counted(value)?,
                ("due", value) => due = Some(number(value)?),
                ("z", value) => erasures = counted(value)?,
                ("w", value) => ended = number(value)?,
                _ => {}
            }
        }
        let (cid, seq) = place::split(id).ok_or_else(|| missing("the place of a record"))?;
        let first = seq.checked_sub(offset).ok_or_else(|| missing("the group of a record"))?;
        let kind = Kind::read(kind)?;
        let tail = Tail {
            seq,
            kind,
            newest: Timestamp::from_millis(newest),
            received: Timestamp::from_millis(received.unwrap_or(newest)),
            others,
            lates,
            erasures,
            ended: if ended == 0 { kind.ended() } else { Kind::read(ended)?.ended() },
        };
        let skeleton = Skeleton { cid, tail, group: Group { first, count, nonce }, next_epoch };
        Ok(Self {
            skeleton,
            user,
            content,
            metadata,
            message_id,
            salt,
            late,
            leaf,
            weight,
            edited,
            target,
            due,
            mid,
            tenant,
            conversation,
        })
    }

    /// The record.
    pub(super) fn record(&self) -> Result<Record, StoreError> {
        let tail = &self.skeleton.tail;
        let body = match tail.kind {
            Kind::Message | Kind::Late => RecordBody::Posted(self.posted()?),
            Kind::EndRequested => RecordBody::Ended(EndReason::Requested),
            Kind::EndIdle => RecordBody::Ended(EndReason::Idle),
            Kind::Tombstone | Kind::Erased => RecordBody::Tombstone,
            Kind::Removed => RecordBody::Removed(self.trace()?),
            Kind::Edit => RecordBody::Edited { target: Seq(self.target), leaf: self.leaf()? },
            Kind::Erasure => RecordBody::Erased { target: Seq(self.target) },
        };
        Ok(Record { seq: Seq(tail.seq), received_at: tail.received, body })
    }

    fn leaf(&self) -> Result<Digest, StoreError> {
        let leaf: [u8; 32] = self.leaf.unwrap_or_default().try_into().map_err(|error| corrupt("a leaf", error))?;
        Ok(Digest::from_bytes(leaf))
    }

    fn trace(&self) -> Result<Trace, StoreError> {
        let weight = u32::try_from(self.weight).map_err(|error| corrupt("a weight", error))?;
        Ok(Trace { leaf: self.leaf()?, weight })
    }

    fn posted(&self) -> Result<Posted, StoreError> {
        let message_id = self.message_id.map(MessageId::parse).transpose();
        let metadata = self.metadata.map(Metadata::parse).transpose();
        let salt: Salt =
            self.salt.unwrap_or_default().try_into().map_err(|error| corrupt("the salt of a message", error))?;
        Ok(Posted {
            user: UserId::parse(self.user.unwrap_or_default())
                .map_err(|error| corrupt("the user of a message", error))?,
            message_id: message_id.map_err(|error| corrupt("the id of a message", error))?,
            content: self.content.unwrap_or_default().into(),
            timestamp: self.timestamp()?,
            metadata: metadata.map_err(|error| corrupt("the metadata of a message", error))?,
            salt,
            late: self.skeleton.tail.kind == Kind::Late,
            edit: match self.edited {
                Some(at) => Some(Box::new(EditMark { at: Timestamp::from_millis(at), trace: self.trace()? })),
                None => None,
            },
        })
    }

    fn timestamp(&self) -> Result<Timestamp, StoreError> {
        match (self.skeleton.tail.kind, self.late) {
            (Kind::Late, Some(place)) => {
                place::split_late(place).map(|(at, _)| at).ok_or_else(|| missing("the time of a late message"))
            }
            (Kind::Late, None) => Err(missing("the time of a late message")),
            _ => Ok(self.skeleton.tail.newest),
        }
    }

    /// Whether a draft says what this message says. What one said that was edited or erased since is not known any
    /// more: any draft with its id is taken for it.
    pub(super) fn same(&self, draft: &Draft) -> Result<bool, StoreError> {
        if self.leaf.is_some() {
            return Ok(true);
        }
        let at = self.timestamp()?;
        Ok(self.skeleton.tail.kind.is_message()
            && self.user == Some(draft.user.as_str())
            && self.content == Some(&*draft.content)
            && self.metadata == draft.metadata.as_ref().map(Metadata::as_json)
            && draft.timestamp.is_none_or(|time| time == at))
    }
}

fn number(value: RawBsonRef<'_>) -> Result<i64, StoreError> {
    match value {
        RawBsonRef::Int64(number) => Ok(number),
        RawBsonRef::Int32(number) => Ok(number.into()),
        _ => Err(missing("a number of a record")),
    }
}

fn counted(value: RawBsonRef<'_>) -> Result<u64, StoreError> {
    u64::try_from(number(value)?).map_err(|error| corrupt("a count of a record", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::domain::{ConversationId, ConversationKey, TenantId};
    use shared::ports::Entry;

    fn key() -> ConversationKey {
        ConversationKey::new(TenantId::public(), ConversationId::parse("c").unwrap())
    }

    fn draft(at: Option<i64>) -> Draft {
        Draft {
            user: UserId::parse("u").unwrap(),
            message_id: Some(MessageId::parse("m").unwrap()),
            content: "text \0 🦀".into(),
            timestamp: at.map(Timestamp::from_millis),
            metadata: Some(Metadata::parse("{\"a\":1}").unwrap()),
            salt: [9; 16],
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let key = key();
        let cid = Cid::of(&key, 0);
        let received = Timestamp::from_millis(50);
        let mut maker = Maker::new(&key, cid, Tail::EMPTY, 4, -7);
        let entries = [
            Entry::Posted(draft(Some(100))),
            Entry::Posted(draft(Some(70))),
            Entry::Ended(EndReason::Idle),
            Entry::Posted(draft(None)),
        ];
        let documents: Vec<_> = entries.iter().map(|entry| maker.add(entry, received)).collect();
        let read: Vec<_> = documents.iter().map(|document| Stored::read(document).unwrap()).collect();
        assert_eq!(read.iter().map(|stored| stored.skeleton.seq()).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert!(read.iter().all(|stored| stored.skeleton.group == Group { first: 1, count: 4, nonce: -7 }));
        assert_eq!((read[0].tenant, read[0].conversation, read[1].tenant), (Some("public"), Some("c"), None));
        let last = read[3].skeleton.tail;
        assert_eq!(last, maker.tail);
        assert_eq!((last.newest.as_millis(), last.others, last.lates, last.kind), (100, 1, 2, Kind::Late));
        let posted = read[1].record().unwrap().body;
        let RecordBody::Posted(posted) = posted else { panic!("a message") };
        assert_eq!((posted.timestamp.as_millis(), posted.late, posted.salt), (70, true, [9; 16]));
        assert_eq!((&*posted.content, posted.metadata), ("text \0 🦀", draft(None).metadata));
        assert_eq!(read[2].record().unwrap().body, RecordBody::Ended(EndReason::Idle));
        assert_eq!(read[3].record().unwrap().received_at, received);
        assert!(read[1].same(&draft(Some(70))).unwrap() && read[1].same(&draft(None)).unwrap());
        assert!(!read[1].same(&draft(Some(71))).unwrap());
        assert_eq!(read[0].mid, read[1].mid);
    }

    #[test]
    fn a_tombstone_counts_those_before_it() {
        let key = key();
        let cid = Cid::of(&key, 0);
        let tail = Tail { seq: 4, received: Timestamp::from_millis(9), ..Tail::EMPTY };
        let (document, after) = tombstone(&key, cid, &tail, 2, Timestamp::from_millis(1));
        let read = Stored::read(&document).unwrap();
        assert_eq!(read.skeleton.tail, after);
        assert_eq!((after.seq, after.others, after.received.as_millis()), (7, 3, 9));
        assert_eq!(read.skeleton.group, Group { first: 7, count: 1, nonce: 0 });
    }
}
