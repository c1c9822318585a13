//! What a check found.

use std::fmt;

use shared::domain::ConversationKey;

/// So many faults are listed; further ones are counted.
const LISTED: usize = 1_000;

/// Counts and faults of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Conversations walked.
    pub conversations: u64,
    /// Records read.
    pub records: u64,
    /// Messages among them.
    pub messages: u64,
    /// Summary versions proved.
    pub summaries: u64,
    /// Views that had not come to the end of the log yet; no fault, the worker brings them on.
    pub behind: u64,
    /// All faults.
    pub faulty: u64,
    /// Faults among them that a view made anew has mended.
    pub mended: u64,
    /// Views made anew.
    pub repaired: u64,
    /// The first thousand faults.
    pub faults: Vec<Fault>,
    /// Faults that a view made anew mends.
    of_views: u64,
}

/// How far a report had come when a conversation began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    listed: usize,
    of_views: u64,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub key: ConversationKey,
    /// Of which kind.
    pub kind: FaultKind,
    /// What exactly, without any text of the conversation.
    pub detail: String,
    /// The view was made anew since, so that this is over.
    pub mended: bool,
}

/// Kinds of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// A record is missing or cannot be read.
    Log,
    /// What the log says of a conversation's end is not what its records say.
    Head,
    /// A view differs from the fold of the log, or cannot be read.
    View,
    /// The users counted differ from those who posted.
    Participants,
    /// A summary does not cover what it says.
    Summary,
}

impl FaultKind {
    /// Whether a view made anew mends it. Log, head and summary faults stay.
    fn of_view(self) -> bool {
        matches!(self, Self::View | Self::Participants)
    }
}

impl CheckReport {
    /// Whether nothing is wrong that was not mended.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.faulty == self.mended
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { listed: self.faults.len(), of_views: self.of_views }
    }

    /// The view of the conversation that began at `from` was made anew.
    pub(super) fn repaired(&mut self, from: Mark) {
        self.repaired += 1;
        self.mended += self.of_views - from.of_views;
        for fault in self.faults.iter_mut().skip(from.listed) {
            fault.mended = fault.kind.of_view();
        }
    }

    pub(crate) fn fault(&mut self, key: &ConversationKey, kind: FaultKind, detail: impl Into<String>) {
        self.faulty += 1;
        self.of_views += u64::from(kind.of_view());
        if self.faults.len() < LISTED {
            self.faults.push(Fault { key: key.clone(), kind, detail: detail.into(), mended: false });
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ConversationKey { tenant, conversation } = &self.key;
        write!(f, "{tenant}/{conversation}: {}: {}", self.kind, self.detail)?;
        f.write_str(if self.mended { " (mended)" } else { "" })
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "log",
            Self::Head => "head",
            Self::View => "view",
            Self::Participants => "participants",
            Self::Summary => "summary",
        })
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { conversations, records, messages, summaries, behind, faulty, mended, repaired, .. } = self;
        write!(f, "{conversations} conversations, {records} records, {messages} messages, {summaries} summaries: ")?;
        write!(f, "{faulty} faults, {mended} of them mended, {behind} views behind, {repaired} views made anew")
    }
}
