//! The names under which documents stand. Law: equal bytes mean the same conversation, and order by bytes is order
//! by number.

use mongodb::bson::Binary;
use mongodb::bson::spec::BinarySubtype;
use sha2::{Digest as _, Sha256};
use shared::domain::{ConversationKey, Timestamp};

/// A conversation in a collection: 16 bytes of SHA-256 over tenant, name and epoch. The epoch counts how often a
/// conversation of that name was erased, so that nothing written late to an erased one meets a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Cid(pub(super) [u8; 16]);

impl Cid {
    pub(super) fn of(key: &ConversationKey, epoch: u64) -> Self {
        let mut hash = Sha256::new_with_prefix(b"recap/conversation/1");
        let tenant = key.tenant.as_str().as_bytes();
        hash.update((tenant.len() as u64).to_be_bytes());
        hash.update(tenant);
        hash.update(key.conversation.as_str().as_bytes());
        hash.update(epoch.to_be_bytes());
        Self(half(&hash.finalize()))
    }

    /// `_id` of a record.
    pub(super) fn record(self, seq: u64) -> Binary {
        binary(&joined(self, seq))
    }

    /// The unique name of a message that has an id of its own.
    pub(super) fn message(self, message_id: &str) -> Binary {
        let mut hash = Sha256::new_with_prefix(b"recap/message/1");
        hash.update(self.0);
        hash.update(message_id.as_bytes());
        binary(&half(&hash.finalize()))
    }

    /// A late message's place in the order of time.
    pub(super) fn late(self, at: Timestamp, seq: u64) -> Binary {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&self.0);
        bytes[16..24].copy_from_slice(&ordered(at));
        bytes[24..].copy_from_slice(&seq.to_be_bytes());
        binary(&bytes)
    }
}

/// Conversation and seq of a record's `_id`.
pub(super) fn split(id: &[u8]) -> Option<(Cid, u64)> {
    let id: &[u8; 24] = id.try_into().ok()?;
    let (mut cid, mut seq) = ([0; 16], [0; 8]);
    cid.copy_from_slice(&id[..16]);
    seq.copy_from_slice(&id[16..]);
    Some((Cid(cid), u64::from_be_bytes(seq)))
}

/// Timestamp and seq of a late message's place.
pub(super) fn split_late(place: &[u8]) -> Option<(Timestamp, u64)> {
    let place: &[u8; 32] = place.try_into().ok()?;
    let (mut at, mut seq) = ([0; 8], [0; 8]);
    at.copy_from_slice(&place[16..24]);
    seq.copy_from_slice(&place[24..]);
    Some((disordered(at), u64::from_be_bytes(seq)))
}

/// A time as bytes that order like it.
pub(super) fn ordered(at: Timestamp) -> [u8; 8] {
    (at.as_millis().cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

/// The time of such bytes.
pub(super) fn disordered(bytes: [u8; 8]) -> Timestamp {
    Timestamp::from_millis((u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed())
}

pub(super) fn joined(cid: Cid, number: u64) -> [u8; 24] {
    let mut id = [0; 24];
    id[..16].copy_from_slice(&cid.0);
    id[16..].copy_from_slice(&number.to_be_bytes());
    id
}

pub(super) fn binary(bytes: &[u8]) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() }
}

/// The first half of a SHA-256.
pub(super) fn half(whole: &[u8]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::domain::{ConversationId, TenantId};

    fn key(tenant: &str, name: &str) -> ConversationKey {
        ConversationKey::new(TenantId::parse(tenant).unwrap(), ConversationId::parse(name).unwrap())
    }

    #[test]
    fn names_do_not_run_into_each_other() {
        assert_ne!(Cid::of(&key("ab", "c"), 0), Cid::of(&key("a", "bc"), 0));
        assert_ne!(Cid::of(&key("a", "b"), 0), Cid::of(&key("a", "b"), 1));
        assert_eq!(Cid::of(&key("a", "b"), 7), Cid::of(&key("a", "b"), 7));
    }

    #[test]
    fn order_by_bytes_is_order_by_time_and_seq() {
        let cid = Cid([7; 16]);
        let times = [Timestamp::MIN, Timestamp::from_millis(-1), Timestamp::from_millis(0), Timestamp::MAX];
        let mut places: Vec<_> = times.iter().flat_map(|at| [(*at, 1), (*at, 256), (*at, u64::MAX)]).collect();
        places.sort();
        let bytes: Vec<_> = places.iter().map(|(at, seq)| cid.late(*at, *seq).bytes).collect();
        assert!(bytes.is_sorted());
        for ((at, seq), bytes) in places.iter().zip(&bytes) {
            assert_eq!(split_late(bytes), Some((*at, *seq)));
        }
        assert_eq!(split(&cid.record(258).bytes), Some((cid, 258)));
        assert_eq!(split(b"short"), None);
    }
}
