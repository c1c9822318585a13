//! What the log holds. Law: a record never changes its seq or its leaf, and seqs have no holes.
//!
//! A message that is edited or erased stays where it stands. The change is a record of its own; what was said before
//! is dropped, and of it only a [`Trace`] is kept.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Digest, MessageId, Seq, Timestamp, UserId};

/// Random bytes kept beside a message, so that the digest of an erased text tells nothing about it.
pub type Salt = [u8; 16];

/// One entry of a conversation's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub seq: Seq,
    /// When Recap received it.
    pub received_at: Timestamp,
    /// What it says.
    pub body: RecordBody,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordBody {
    /// A message.
    Posted(Posted),
    /// The conversation ended here; a later message opens it again.
    Ended(EndReason),
    /// A seq that was given but never filled, sealed so that no late writer can fill it.
    Tombstone,
    /// A message that was erased.
    Removed(Trace),
    /// A message got another text. What it says now stands in its own place.
    Edited {
        /// Which message.
        target: Seq,
        /// The salted digest of what it said from then on.
        leaf: Digest,
    },
    /// A message was erased.
    Erased {
        /// Which message.
        target: Seq,
    },
}

/// What is kept of a message whose first text was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// Its leaf, by which the chain still holds. Its salt is gone, so nobody can find the text by trying.
    pub leaf: Digest,
    /// Its [`weight`], so that segments stay where they were cut.
    pub weight: u32,
}

/// That a message was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EditMark {
    /// When it was edited last.
    pub at: Timestamp,
    /// What is kept of the message as it was posted.
    pub trace: Trace,
}

/// About how long a text is: a cheap upper guess at a model's tokens, one for four bytes of ASCII and two for each
/// other character, with four for the speaker and the time.
#[must_use]
pub fn weight(content: &str) -> u32 {
    let ascii = content.bytes().filter(u8::is_ascii).count();
    let other = content.chars().count() - ascii;
    u32::try_from(4 + ascii.div_ceil(4) + 2 * other).unwrap_or(u32::MAX)
}

/// A message as it was posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Who wrote it.
    pub user: UserId,
    /// The client's own name for it.
    pub message_id: Option<MessageId>,
    /// The text, 1 byte to 32 KiB by default.
    pub content: Box<str>,
    /// When it was written, by the client; else when it was received.
    pub timestamp: Timestamp,
    /// The client's own data about it.
    pub metadata: Option<Metadata>,
    /// Keeps the digest of an erased text from being guessed; that of the last edit, if it was edited.
    pub salt: Salt,
    /// True when the conversation held a newer timestamp at append.
    pub late: bool,
    /// Says that this is not what was posted first.
    pub edit: Option<Box<EditMark>>,
}

impl Posted {
    /// What is kept of it when its text goes.
    #[must_use]
    pub fn trace(&self) -> Trace {
        match &self.edit {
            Some(edit) => edit.trace,
            None => Trace { leaf: Digest::posted(self), weight: weight(&self.content) },
        }
    }

    /// The weight of what was posted first.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.edit.as_ref().map_or_else(|| weight(&self.content), |edit| edit.trace.weight)
    }
}

/// Why a conversation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// Somebody asked for it.
    Requested,
    /// Nobody wrote for a while.
    Idle,
}

impl Record {
    /// The message, if it is one.
    #[must_use]
    pub fn posted(&self) -> Option<&Posted> {
        match &self.body {
            RecordBody::Posted(posted) => Some(posted),
            _ => None,
        }
    }

    /// The message that it changes, if it is a change.
    #[must_use]
    pub fn changes(&self) -> Option<Seq> {
        match self.body {
            RecordBody::Edited { target, .. } | RecordBody::Erased { target } => Some(target),
            _ => None,
        }
    }

    /// Whether it is the same record, though its message may have been changed since.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.seq == other.seq && Digest::leaf(&self.body) == Digest::leaf(&other.body)
    }
}

/// A JSON object, kept as the text that the client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata(Box<str>);

/// Why a text is no metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a JSON object")]
pub struct MetadataError;

impl Metadata {
    /// Takes the text of one JSON object. Size and depth are the caller's to check.
    pub fn parse(json: &str) -> Result<Self, MetadataError> {
        if !json.trim_ascii_start().starts_with('{') {
            return Err(MetadataError);
        }
        serde_json::from_str::<serde::de::IgnoredAny>(json).map_err(|_| MetadataError)?;
        Ok(Self(json.into()))
    }

    /// Takes a value that was read as JSON already, without reading it again. Size, depth and lone surrogates in its
    /// strings are the caller's to check.
    pub fn from_raw(json: &serde_json::value::RawValue) -> Result<Self, MetadataError> {
        if !json.get().starts_with('{') {
            return Err(MetadataError);
        }
        Ok(Self(json.get().into()))
    }

    /// The text of the object.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Serialize for Metadata {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &serde_json::value::RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}
