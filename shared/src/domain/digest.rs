//! The chained digest by which a summary proves what it covers.
//!
//! Law: equal digests at a seq mean equal records up to it. The format, with `‖` for joining and all
//! numbers big-endian:
//!
//! ```text
//! genesis = SHA-256("recap/genesis/1" ‖ field(tenant) ‖ field(conversation))
//! leaf    = SHA-256("recap/leaf/1" ‖ salt ‖ kind ‖ fields of the kind)
//! chain_n = SHA-256(chain_(n-1) ‖ seq as 8 bytes ‖ leaf_n)
//! field   = length as 4 bytes ‖ bytes
//! ```
//!
//! A leaf is salted, so a store may drop text and salt of an erased message, keep its leaf, and the
//! chain still holds while nobody can guess the text from it. An edited message keeps the leaf of what
//! was posted; the record of the edit has the leaf of the text that came then.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use super::{ConversationKey, EndReason, Metadata, Posted, Record, RecordBody, Salt, Seq};

/// What every leaf begins with.
const LEAF: &[u8] = b"recap/leaf/1";

/// SHA-256, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// From its 32 bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// SHA-256 of some bytes, for content keys.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// What a conversation's chain starts from.
    #[must_use]
    pub fn genesis(key: &ConversationKey) -> Self {
        let mut hash = Sha256::new_with_prefix(b"recap/genesis/1");
        field(&mut hash, key.tenant.as_str().as_bytes());
        field(&mut hash, key.conversation.as_str().as_bytes());
        Self(hash.finalize().into())
    }

    /// The chain after one more record.
    #[must_use]
    pub fn then(self, record: &Record) -> Self {
        self.then_leaf(record.seq, Self::leaf(&record.body))
    }

    /// The chain after one more record of which only the leaf is known.
    #[must_use]
    pub fn then_leaf(self, seq: Seq, leaf: Self) -> Self {
        let mut joined = [0; 72];
        joined[..32].copy_from_slice(&self.0);
        joined[32..40].copy_from_slice(&seq.0.to_be_bytes());
        joined[40..].copy_from_slice(&leaf.0);
        Self::of(&joined)
    }

    /// The salted digest of a message as it was posted.
    #[must_use]
    pub fn posted(posted: &Posted) -> Self {
        let mut hash = Sha256::new_with_prefix(LEAF);
        posted_fields(&mut hash, posted);
        Self(hash.finalize().into())
    }

    /// The salted digest of what a message says after an edit.
    #[must_use]
    pub fn edited(target: Seq, content: &str, metadata: Option<&Metadata>, salt: &Salt) -> Self {
        let mut hash = Sha256::new_with_prefix(LEAF);
        hash.update(salt);
        hash.update([4]);
        hash.update(target.0.to_be_bytes());
        field(&mut hash, content.as_bytes());
        field(&mut hash, metadata.map_or(b"", |m| m.as_json().as_bytes()));
        Self(hash.finalize().into())
    }

    /// The salted digest of one record.
    #[must_use]
    pub fn leaf(body: &RecordBody) -> Self {
        let mut hash = Sha256::new_with_prefix(LEAF);
        match body {
            RecordBody::Posted(posted) => return posted.trace().leaf,
            RecordBody::Removed(trace) => return trace.leaf,
            RecordBody::Edited { leaf, .. } => return *leaf,
            RecordBody::Erased { target } => {
                hash.update([0; 16]);
                hash.update([5]);
                hash.update(target.0.to_be_bytes());
            }
            RecordBody::Ended(reason) => {
                hash.update([0; 16]);
                hash.update(match reason {
                    EndReason::Requested => [2, 0],
                    EndReason::Idle => [2, 1],
                });
            }
            RecordBody::Tombstone => {
                hash.update([0; 16]);
                hash.update([3]);
            }
        }
        Self(hash.finalize().into())
    }
}

fn posted_fields(hash: &mut Sha256, posted: &Posted) {
    hash.update(posted.salt);
    hash.update([1]);
    field(hash, posted.user.as_str().as_bytes());
    field(hash, posted.message_id.as_ref().map_or(b"", |id| id.as_str().as_bytes()));
    hash.update(posted.timestamp.as_millis().to_be_bytes());
    field(hash, posted.content.as_bytes());
    field(hash, posted.metadata.as_ref().map_or(b"", |m| m.as_json().as_bytes()));
}

fn field(hash: &mut Sha256, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    hash.update(length.to_be_bytes());
    hash.update(bytes);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let wrong = || de::Error::custom("a digest has 64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ConversationId, EditMark, TenantId, Timestamp, UserId};

    fn key(conversation: &str) -> ConversationKey {
        ConversationKey::new(TenantId::public(), ConversationId::parse(conversation).unwrap())
    }

    fn posted(user: &str, content: &str) -> RecordBody {
        RecordBody::Posted(Posted {
            user: UserId::parse(user).unwrap(),
            message_id: None,
            content: content.into(),
            timestamp: Timestamp::from_millis(0),
            metadata: None,
            salt: [7; 16],
            late: false,
            edit: None,
        })
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_ne!(Digest::leaf(&posted("ab", "c")), Digest::leaf(&posted("a", "bc")));
    }

    #[test]
    fn a_chain_depends_on_conversation_order_and_seq() {
        let (a, b) = (Digest::leaf(&posted("u", "a")), Digest::leaf(&posted("u", "b")));
        let start = Digest::genesis(&key("x"));
        assert_ne!(start, Digest::genesis(&key("y")));
        assert_ne!(start.then_leaf(Seq(1), a).then_leaf(Seq(2), b), start.then_leaf(Seq(1), b).then_leaf(Seq(2), a));
        assert_ne!(start.then_leaf(Seq(1), a), start.then_leaf(Seq(2), a));
    }

    #[test]
    fn a_message_keeps_its_leaf_whatever_becomes_of_it() {
        let RecordBody::Posted(first) = posted("ada", "the first text") else { panic!("a message") };
        let leaf = Digest::posted(&first);
        let trace = first.trace();
        let mark = EditMark { at: Timestamp::from_millis(1), trace };
        let edited = Posted { content: "another".into(), salt: [8; 16], edit: Some(Box::new(mark)), ..first };
        assert_eq!((Digest::leaf(&RecordBody::Posted(edited.clone())), edited.trace()), (leaf, trace));
        assert_eq!(Digest::leaf(&RecordBody::Removed(trace)), leaf);
        let erased = |target| Digest::leaf(&RecordBody::Erased { target: Seq(target) });
        assert_ne!(erased(1), erased(2));
        let edit = |target, content| Digest::edited(Seq(target), content, None, &[8; 16]);
        assert!(edit(1, "a") != edit(2, "a") && edit(1, "a") != edit(1, "b") && edit(1, "a") != erased(1));
    }

    #[test]
    fn text_form_reads_back() {
        let digest = Digest::of(b"recap");
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        assert!(serde_json::from_str::<Digest>("\"é\"").is_err());
    }
}
