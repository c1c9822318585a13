//! Conversations cut into segments.
//!
//! Law: the cut depends on the messages from the first on and on how long the engine wants segments, and on nothing
//! else, so the same conversation has the same closed segments whenever and in whatever pieces it is read.

use sha2::{Digest as _, Sha256};
use shared::domain::{ConversationKey, Digest, Record, RecordBody, Seq, weight};
use shared::ports::{SegmentSize, Span, SummaryMessage};

/// Messages that may still get company.
#[derive(Debug, Default)]
pub(crate) struct OpenSegment {
    messages: Vec<SummaryMessage>,
    /// Messages taken in, erased ones too, and their weight as they were posted: so that a change moves no segment.
    taken: usize,
    tokens: usize,
}

impl OpenSegment {
    /// Whether the next message begins another segment.
    pub(crate) fn is_full(&self, size: SegmentSize) -> bool {
        size.is_full(self.taken, self.tokens)
    }

    /// Takes a record in; what is no message is passed over.
    pub(crate) fn push(&mut self, record: Record) {
        let weight = match &record.body {
            RecordBody::Posted(posted) => posted.weight(),
            RecordBody::Removed(trace) => trace.weight,
            _ => return,
        };
        self.taken += 1;
        self.tokens += weight as usize;
        let RecordBody::Posted(posted) = record.body else { return };
        self.messages.push(SummaryMessage {
            seq: record.seq,
            user: posted.user,
            content: posted.content,
            timestamp: posted.timestamp,
        });
    }

    /// Hands the messages over and begins anew.
    pub(crate) fn take(&mut self) -> Vec<SummaryMessage> {
        (self.taken, self.tokens) = (0, 0);
        std::mem::take(&mut self.messages)
    }
}

/// A cheap upper guess at a model's tokens: one for four bytes of ASCII and two for each other character, with four
/// for the speaker and the time.
pub(crate) fn tokens(content: &str) -> usize {
    weight(content) as usize
}

/// The content digest of a segment:
/// `SHA-256("recap/segment/1" ‖ genesis ‖ for each message: seq ‖ milliseconds ‖ field(user) ‖ field(content))`,
/// numbers as 8 bytes big-endian, fields with their length before them, genesis that of the conversation's chain.
pub(crate) fn segment_digest(key: &ConversationKey, messages: &[SummaryMessage]) -> Digest {
    let mut hash = Sha256::new_with_prefix(b"recap/segment/1");
    hash.update(Digest::genesis(key).as_bytes());
    for message in messages {
        hash.update(message.seq.0.to_be_bytes());
        hash.update(message.timestamp.as_millis().to_be_bytes());
        for text in [message.user.as_str(), &message.content] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
    Digest::from_bytes(hash.finalize().into())
}

/// The content digest of a gist of gists: `SHA-256("recap/merge/1" ‖ their digests)`.
pub(crate) fn merge_digest(parts: impl Iterator<Item = Digest>) -> Digest {
    let mut hash = Sha256::new_with_prefix(b"recap/merge/1");
    for part in parts {
        hash.update(part.as_bytes());
    }
    Digest::from_bytes(hash.finalize().into())
}

/// Under what the cut that led to a summary is kept: `SHA-256("recap/cut/1" ‖ the chain at its last message)`.
pub(crate) fn cut_digest(covered: &Digest) -> Digest {
    let mut hash = Sha256::new_with_prefix(b"recap/cut/1");
    hash.update(covered.as_bytes());
    Digest::from_bytes(hash.finalize().into())
}

/// The first and last seq of some messages.
pub(crate) fn range(messages: &[SummaryMessage]) -> Span {
    let seq = |message: Option<&SummaryMessage>| message.map_or(Seq::ZERO, |message| message.seq);
    Span { first: seq(messages.first()), last: seq(messages.last()) }
}
