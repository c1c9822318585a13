//! What a source comes to. Law: a [`Message`] keeps the server's rules for ids, sizes and metadata.

use std::fmt;
use std::sync::Arc;

use shared::config::MessageLimits;
use shared::domain::Timestamp;
use shared::domain::ids::MAX_ID_CHARS;

/// One entry of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A message to store.
    Message(Message),
    /// An entry that is no message, or cannot be stored.
    Skipped(Skipped),
    /// The conversation was ended by someone, after the messages before this.
    Ended {
        /// Which conversation.
        conversation: String,
    },
    /// Something about the whole source that its reader should know.
    Note(String),
}

/// A message as it is to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its conversation, as the source names it.
    pub conversation: String,
    /// Who wrote it.
    pub user: String,
    /// The text.
    pub content: String,
    /// When; absent where the source does not say.
    pub timestamp: Option<Timestamp>,
    /// Made from the source: the same each time it is read.
    pub message_id: String,
    /// One JSON object.
    pub metadata: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// An entry that did not become a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Why.
    pub reason: Reason,
    /// Where it stands.
    pub place: Place,
    /// The beginning of it, for a person to find it by.
    pub excerpt: String,
}

/// Why an entry did not become a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Written by the program, not by a person: joined, left, changed the topic.
    System,
    /// Deleted before the export.
    Deleted,
    /// It has neither text nor a named attachment.
    NoText,
    /// A picture, video or voice message that the export left out.
    MediaOmitted,
    /// Nobody is named as its writer.
    NoAuthor,
    /// More text than a message may have.
    TooLong,
    /// Its date cannot be read, or does not exist.
    BadDate,
    /// Its metadata are too large, too deep or no object.
    BadMetadata,
    /// It is not an entry of this format.
    Malformed,
    /// A file that holds no chat.
    NotChat,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system message",
            Self::Deleted => "deleted message",
            Self::NoText => "no text",
            Self::MediaOmitted => "media left out of the export",
            Self::NoAuthor => "no author",
            Self::TooLong => "too long",
            Self::BadDate => "unreadable date",
            Self::BadMetadata => "unfit metadata",
            Self::Malformed => "not of this format",
            Self::NotChat => "no chat file",
        })
    }
}

/// A place in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, within a folder or zip by its path there.
    pub file: Arc<str>,
    /// The line where the entry begins, from 1; 0 for the file as a whole.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// Characters of an excerpt.
const EXCERPT: usize = 60;

/// The beginning of a text, on one line and without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(EXCERPT).map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    if text.chars().nth(EXCERPT).is_some() {
        short.push('…');
    }
    short
}

/// A name as an id: no control characters, no blanks around it, at most 256 characters. Empty if nothing is left.
pub(crate) fn as_id(name: &str) -> String {
    let plain: String = name.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect();
    let cut: String = plain.trim().chars().take(MAX_ID_CHARS).collect();
    cut.trim_end().to_owned()
}

impl Message {
    /// The message, or why it cannot be stored.
    pub(crate) fn checked(self) -> Item {
        let limits = MessageLimits::default();
        let reason = if self.user.is_empty() {
            Reason::NoAuthor
        } else if self.content.is_empty() {
            Reason::NoText
        } else if self.content.len() > limits.max_content_bytes {
            Reason::TooLong
        } else if self.metadata.as_ref().is_some_and(|json| json.len() > limits.max_metadata_bytes) {
            Reason::BadMetadata
        } else {
            return Item::Message(self);
        };
        Item::Skipped(Skipped { reason, excerpt: excerpt(&self.content), place: self.place })
    }
}
