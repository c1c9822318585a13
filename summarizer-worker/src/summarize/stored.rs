//! What a cut is made of: as it is kept, and while its last segment waits for the gist of its end.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::domain::{Digest, Seq};
use shared::ports::{Gist, SummaryMessage};

/// A cut as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredCut {
    /// The last record of the last closed segment.
    pub(super) last: Seq,
    /// Messages in closed segments.
    pub(super) messages: u64,
    /// The chain at `last`.
    pub(super) chain: Digest,
    /// The peaks of each level, lowest level first, oldest peak first.
    pub(super) levels: Vec<Vec<Digest>>,
    /// Gists of the first messages of the open segment, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<Note>,
    /// Bytes of text since a summary was made from the whole material.
    #[serde(default)]
    pub(super) since_whole: u64,
}

/// The gist of some messages of the open segment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    /// The last of them.
    pub(super) last: Seq,
    pub(super) gist: Box<RawValue>,
}

impl Note {
    pub(super) fn gist(&self) -> Gist {
        Gist(self.gist.get().into())
    }
}

/// A full segment whose end has no gist yet.
pub(super) struct Pending {
    pub(super) content: Digest,
    pub(super) segment: Vec<SummaryMessage>,
    /// Gists of its first messages, in order.
    pub(super) notes: Vec<Note>,
    /// The last record before the next segment, the chain there, and the messages up to it.
    pub(super) last: Seq,
    pub(super) chain: Digest,
    pub(super) messages: u64,
}

impl Pending {
    /// What no note tells of; never empty.
    pub(super) fn rest(&self) -> &[SummaryMessage] {
        let until = self.notes.last().map_or(Seq::ZERO, |note| note.last);
        &self.segment[self.segment.partition_point(|message| message.seq <= until)..]
    }
}
