//! Cursors of history pages. Law: a cursor is taken for the conversation and tenant that it was made for, and for
//! nothing else.
//!
//! Base64url (RFC 4648 §5, no padding) of 42 bytes, numbers big-endian:
//!
//! ```text
//! 1  version (1)
//! 1  flags: 1 = descending, 2 = has since, 4 = has until
//! 8  since, 8 until: milliseconds since 1970, 0 where there is none
//! 8  timestamp, 8 seq: the place of the last message given
//! 8  check = first bytes of SHA-256("recap/cursor/1" ‖ length of tenant as 4 bytes ‖ tenant ‖ conversation ‖ all before)
//! ```
//!
//! The check finds mistakes, it keeps no secret: a cursor only names a place, and whose data are read is told by the
//! caller and the path.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use shared::domain::{ConversationKey, Seq, Timestamp};
use shared::ports::{Order, Position};
use thiserror::Error;

use crate::strict::faults::TimeRange;

const VERSION: u8 = 1;
const BODY: usize = 34;
const CHECK: usize = 8;
const DESCENDING: u8 = 1;
const SINCE: u8 = 2;
const UNTIL: u8 = 4;

/// Where to read on, and what was being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Which way.
    pub order: Order,
    /// Which timestamps.
    pub range: TimeRange,
    /// Behind which message.
    pub after: Position,
}

/// The text is no cursor of this conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a cursor of this conversation")]
pub struct CursorError;

impl Cursor {
    /// As text, for this conversation only.
    #[must_use]
    pub fn encode(&self, key: &ConversationKey) -> String {
        let mut bytes = [0; BODY + CHECK];
        bytes[0] = VERSION;
        bytes[1] = flags(self.order, self.range);
        bytes[2..10].copy_from_slice(&millis(self.range.from));
        bytes[10..18].copy_from_slice(&millis(self.range.to));
        bytes[18..26].copy_from_slice(&self.after.timestamp.as_millis().to_be_bytes());
        bytes[26..BODY].copy_from_slice(&self.after.seq.0.to_be_bytes());
        let check = check(key, &bytes[..BODY]);
        bytes[BODY..].copy_from_slice(&check);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Self::encode`] gave for the same conversation.
    pub fn decode(text: &str, key: &ConversationKey) -> Result<Self, CursorError> {
        let mut bytes = [0; BODY + CHECK];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| CursorError)?;
        let (body, given) = bytes.split_at(BODY);
        if length != BODY + CHECK || body[0] != VERSION || given != check(key, body) {
            return Err(CursorError);
        }
        let flag = |flag: u8| body[1] & flag != 0;
        Ok(Self {
            order: if flag(DESCENDING) { Order::Descending } else { Order::Ascending },
            range: TimeRange {
                from: flag(SINCE).then(|| timestamp(&body[2..10])),
                to: flag(UNTIL).then(|| timestamp(&body[10..18])),
            },
            after: Position { timestamp: timestamp(&body[18..26]), seq: Seq(u64::from_be_bytes(eight(&body[26..34]))) },
        })
    }
}

fn flags(order: Order, range: TimeRange) -> u8 {
    let mut flags = 0;
    if order == Order::Descending {
        flags |= DESCENDING;
    }
    if range.from.is_some() {
        flags |= SINCE;
    }
    if range.to.is_some() {
        flags |= UNTIL;
    }
    flags
}

fn millis(at: Option<Timestamp>) -> [u8; 8] {
    at.map_or(0, Timestamp::as_millis).to_be_bytes()
}

fn timestamp(bytes: &[u8]) -> Timestamp {
    Timestamp::from_millis(i64::from_be_bytes(eight(bytes)))
}

fn eight(bytes: &[u8]) -> [u8; 8] {
    let mut array = [0; 8];
    array.copy_from_slice(bytes);
    array
}

fn check(key: &ConversationKey, body: &[u8]) -> [u8; CHECK] {
    let tenant = key.tenant.as_str().as_bytes();
    let mut hash = Sha256::new_with_prefix(b"recap/cursor/1");
    hash.update(u32::try_from(tenant.len()).unwrap_or(u32::MAX).to_be_bytes());
    hash.update(tenant);
    hash.update(key.conversation.as_str().as_bytes());
    hash.update(body);
    eight(&hash.finalize()[..CHECK])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::domain::{ConversationId, TenantId};

    use super::*;

    fn key(tenant: &str, conversation: &str) -> ConversationKey {
        ConversationKey::new(TenantId::parse(tenant).unwrap(), ConversationId::parse(conversation).unwrap())
    }

    fn cursors() -> impl Strategy<Value = Cursor> {
        let at = || (-62_135_596_800_000i64..253_402_300_799_999).prop_map(Timestamp::from_millis);
        (any::<bool>(), proptest::option::of(at()), proptest::option::of(at()), at(), any::<u64>()).prop_map(
            |(descending, from, to, timestamp, seq)| Cursor {
                order: if descending { Order::Descending } else { Order::Ascending },
                range: TimeRange { from, to },
                after: Position { timestamp, seq: Seq(seq) },
            },
        )
    }

    proptest! {
        #[test]
        fn reads_back_in_its_own_conversation_only(cursor in cursors()) {
            let text = cursor.encode(&key("t", "c"));
            prop_assert_eq!(Cursor::decode(&text, &key("t", "c")), Ok(cursor));
            prop_assert_eq!(Cursor::decode(&text, &key("t", "d")), Err(CursorError));
            prop_assert_eq!(Cursor::decode(&text, &key("u", "c")), Err(CursorError));
            prop_assert_eq!(Cursor::decode(&text, &key("tc", "x")), Err(CursorError));
        }

        #[test]
        fn one_changed_character_is_found(cursor in cursors(), at in 0usize..56, with in "[A-Za-z0-9_-]") {
            let mut text = cursor.encode(&key("t", "c"));
            prop_assume!(text[at..=at] != with);
            text.replace_range(at..=at, &with);
            prop_assert_eq!(Cursor::decode(&text, &key("t", "c")), Err(CursorError));
        }

        #[test]
        fn any_other_text_is_refused(text in "\\PC*") {
            prop_assert_eq!(Cursor::decode(&text, &key("t", "c")), Err(CursorError));
        }
    }

    #[test]
    fn longer_and_padded_texts_are_refused() {
        let cursor = Cursor {
            order: Order::Ascending,
            range: TimeRange::default(),
            after: Position { timestamp: Timestamp::from_millis(5), seq: Seq(1) },
        };
        let text = cursor.encode(&key("t", "c"));
        for bad in [format!("{text}A"), format!("{text}AAAA"), format!("{text}="), text[..52].to_owned()] {
            assert_eq!(Cursor::decode(&bad, &key("t", "c")), Err(CursorError), "{bad}");
        }
    }
}
