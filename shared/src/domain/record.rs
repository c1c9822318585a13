//! What the log holds. Law: a record never changes its seq, and seqs have no holes.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{MessageId, Seq, Timestamp, UserId};

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
    /// Keeps the digest of an erased text from being guessed.
    pub salt: Salt,
    /// True when the conversation held a newer timestamp at append.
    pub late: bool,
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
            RecordBody::Ended(_) | RecordBody::Tombstone => None,
        }
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
