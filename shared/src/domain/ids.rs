//! Opaque names given by clients. Law: 1 to 256 characters, no control characters, compared byte by byte.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The most characters (Unicode scalar values) in an id.
pub const MAX_ID_CHARS: usize = 256;

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdError {
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// More than [`MAX_ID_CHARS`].
    #[error("must have at most {MAX_ID_CHARS} characters")]
    TooLong,
    /// A control character such as NUL or a line break.
    #[error("must not hold control characters")]
    ControlCharacter,
}

fn check(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > MAX_ID_CHARS && text.chars().count() > MAX_ID_CHARS {
        return Err(IdError::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(IdError::ControlCharacter);
    }
    Ok(())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "CompactString", into = "CompactString")]
        pub struct $name(CompactString);

        impl $name {
            /// Takes a text that keeps the rules of an id.
            pub fn parse(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                check(text)?;
                Ok(Self(CompactString::new(text)))
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl TryFrom<CompactString> for $name {
            type Error = IdError;
            fn try_from(text: CompactString) -> Result<Self, IdError> {
                check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for CompactString {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

id!(
    /// Who owns data. Part of every key of every store.
    TenantId
);
id!(
    /// A conversation, within its tenant.
    ConversationId
);
id!(
    /// Who wrote a message, within its tenant.
    UserId
);
id!(
    /// The client's own name of a message, unique within its conversation.
    MessageId
);

impl TenantId {
    /// The tenant of callers without a key.
    #[must_use]
    pub fn public() -> Self {
        Self(CompactString::const_new("public"))
    }
}

impl ConversationId {
    /// A name for a conversation that the client left unnamed.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(compact_str::format_compact!("conv_{:032x}", u128::from_be_bytes(random)))
    }
}

/// A conversation with its owner: the only way to name one in a store, a queue or a cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConversationKey {
    /// The owner.
    pub tenant: TenantId,
    /// The conversation's id, unique within the owner.
    pub conversation: ConversationId,
}

impl ConversationKey {
    /// Joins the two halves.
    #[must_use]
    pub fn new(tenant: TenantId, conversation: ConversationId) -> Self {
        Self { tenant, conversation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_any_printable_unicode_up_to_256_characters() {
        for good in ["a", "summarize", "a/b?c=d#e %00", "🦀".repeat(256).as_str(), "\u{202e}x"] {
            assert_eq!(ConversationId::parse(good).map(|id| id.to_string()), Ok(good.to_owned()));
        }
    }

    #[test]
    fn refuses_empty_long_and_control_characters() {
        assert_eq!(UserId::parse(""), Err(IdError::Empty));
        assert_eq!(UserId::parse("é".repeat(257)), Err(IdError::TooLong));
        for bad in ["a\0", "\n", "a\u{7f}", "\u{85}"] {
            assert_eq!(UserId::parse(bad), Err(IdError::ControlCharacter));
        }
    }

    #[test]
    fn deserializing_keeps_the_rules() {
        assert!(serde_json::from_str::<MessageId>("\"\"").is_err());
        assert_eq!(serde_json::from_str::<MessageId>("\"m1\"").unwrap().as_str(), "m1");
    }
}
