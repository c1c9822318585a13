//! What a field must be. Both passes over a body ask here, so that they cannot disagree.

use shared::config::MessageLimits;
use shared::domain::{ConversationId, IdError, MessageId, Timestamp, TimestampError, UserId};
use thiserror::Error;

use super::JsonType;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// A field that must be there is not.
    #[error("is required")]
    Missing,
    /// A field that this object does not have.
    #[error("is not a field here; the fields are {known}")]
    Unknown {
        /// The fields it has.
        known: &'static str,
    },
    /// A field of an object that has none.
    #[error("is not a field here; this takes none")]
    NoFields,
    /// An edit that changes nothing.
    #[error("must have content, metadata or both")]
    NothingToEdit,
    /// The same field again.
    #[error("must not be given twice")]
    Repeated,
    /// A value of another type.
    #[error("must be {expected}, not {found}")]
    WrongType {
        /// What it must be, with its article.
        expected: &'static str,
        /// What it is.
        found: JsonType,
    },
    /// No id.
    #[error(transparent)]
    Id(#[from] IdError),
    /// No timestamp.
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
    /// A message without text.
    #[error("must not be empty")]
    EmptyContent,
    /// A text that is too long.
    #[error("must have at most {limit} bytes, not {size}")]
    ContentTooLong {
        /// The most bytes.
        limit: usize,
        /// How many it has.
        size: usize,
    },
    /// A list without messages.
    #[error("must hold at least one message")]
    NoMessages,
    /// A list with too many messages.
    #[error("must hold at most {limit} messages, not {count}")]
    TooManyMessages {
        /// The most messages.
        limit: usize,
        /// How many it has.
        count: usize,
    },
    /// Nobody is named as the writer of some message.
    #[error("is required, unless every message has its own user_id")]
    NoUser,
    /// Two messages of the request with one id.
    #[error("must differ from messages[{first}].message_id")]
    MessageIdRepeated {
        /// The place of the first of them.
        first: usize,
    },
    /// Metadata that are too large.
    #[error("must have at most {limit} bytes, not {size}")]
    MetadataTooLarge {
        /// The most bytes.
        limit: usize,
        /// How many it has.
        size: usize,
    },
    /// Metadata that are nested too deeply.
    #[error("must be nested at most {limit} deep")]
    MetadataTooDeep {
        /// The most levels.
        limit: usize,
    },
    /// An object in the metadata with one key twice.
    #[error("must not hold the key {key:?} twice in one object")]
    MetadataKeyRepeated {
        /// The key, shortened if it is long.
        key: String,
    },
}

/// Checks the text of a message, in bytes.
pub(super) fn content(text: &str, limits: &MessageLimits) -> Result<(), Fault> {
    if text.is_empty() {
        return Err(Fault::EmptyContent);
    }
    if text.len() > limits.max_content_bytes {
        return Err(Fault::ContentTooLong { limit: limits.max_content_bytes, size: text.len() });
    }
    Ok(())
}

/// A value with its own rule that is written as a string.
pub(super) trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self, Fault>;
}

macro_rules! from_text {
    ($($name:ty),*) => {$(
        impl FromText for $name {
            fn from_text(text: &str) -> Result<Self, Fault> {
                Ok(Self::parse(text)?)
            }
        }
    )*};
}

from_text!(ConversationId, UserId, MessageId, Timestamp);
