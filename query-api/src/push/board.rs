//! The newest frames of a conversation, and what of them a listener has had. Law: versions ascend on a socket, and
//! the last frame is the last.

use std::time::Duration;

use bytes::Bytes;
use shared::domain::{Timestamp, Version};
use tokio::time::Instant;

use crate::query::SummaryType;

/// At most one `insights` frame in this time, to each listener.
pub const INSIGHTS_EVERY: Duration = Duration::from_secs(1);

/// The newest frames of a conversation, encoded. Once it has ended, nothing new is shown: a load that began before
/// an erasure must not show what was erased.
#[derive(Debug, Default)]
pub struct Board {
    brief: Option<SummaryFrame>,
    detailed: Option<SummaryFrame>,
    insights: Numbered,
    partial: Numbered,
    /// Summaries up to this version were taken back.
    floor: Version,
    /// No partial text is shown: it may be made from what was taken back.
    muted: bool,
    ended: Option<Bytes>,
}

/// A `summary` frame.
#[derive(Debug, Clone)]
pub struct SummaryFrame {
    /// Which version.
    pub version: Version,
    /// When that was made.
    pub generated_at: Timestamp,
    /// The frame.
    pub bytes: Bytes,
}

/// A frame that has no number of its own gets one, so that listeners know what they have had.
#[derive(Debug, Default)]
struct Numbered {
    number: u64,
    bytes: Bytes,
}

impl Board {
    /// The newest summary of that type.
    #[must_use]
    pub fn summary(&self, summary_type: SummaryType) -> Option<&SummaryFrame> {
        match summary_type {
            SummaryType::Brief => self.brief.as_ref(),
            SummaryType::Detailed => self.detailed.as_ref(),
        }
    }

    /// The highest version of any type that is shown.
    #[must_use]
    pub fn version(&self) -> Version {
        let version = |frame: &Option<SummaryFrame>| frame.as_ref().map_or(Version::ZERO, |frame| frame.version);
        version(&self.brief).max(version(&self.detailed))
    }

    /// Whether anything was ever shown.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.brief.is_none() && self.detailed.is_none() && self.insights.number == 0
    }

    /// Shows a summary, and takes away the partial text that led to it. Older ones are not shown.
    pub fn show_summary(&mut self, summary_type: SummaryType, frame: SummaryFrame) {
        let known = self.summary(summary_type).is_some_and(|shown| shown.version >= frame.version);
        if known || frame.version <= self.floor || self.ended.is_some() {
            return;
        }
        self.partial.bytes = Bytes::new();
        self.muted = false;
        match summary_type {
            SummaryType::Brief => self.brief = Some(frame),
            SummaryType::Detailed => self.detailed = Some(frame),
        }
    }

    /// Shows no summary up to this version any more, whoever loads it still, and no text of one under way.
    pub fn take_back(&mut self, version: Version) {
        if version <= self.floor {
            return;
        }
        self.floor = version;
        self.muted = true;
        self.partial.bytes = Bytes::new();
        for frame in [&mut self.brief, &mut self.detailed] {
            frame.take_if(|frame| frame.version <= version);
        }
    }

    /// Shows insights, unless they are the same as before. Answers whether they were new.
    pub fn show_insights(&mut self, bytes: Bytes) -> bool {
        let new = self.ended.is_none() && self.insights.bytes != bytes;
        if new {
            self.insights = Numbered { number: self.insights.number + 1, bytes };
        }
        new
    }

    /// Shows the text of a summary that is being written.
    pub fn show_partial(&mut self, bytes: Bytes) {
        if self.muted || self.ended.is_some() {
            return;
        }
        self.partial = Numbered { number: self.partial.number + 1, bytes };
    }

    /// Nothing comes after this frame.
    pub fn end(&mut self, bytes: Bytes) {
        self.ended.get_or_insert(bytes);
    }
}

/// What a listener wants and has had.
#[derive(Debug)]
pub struct Progress {
    summary_type: SummaryType,
    partial: bool,
    version: Version,
    /// Whether `version` is only what the client said.
    claimed: bool,
    insights: u64,
    partials: u64,
    insights_at: Option<Instant>,
}

/// What a listener is to be sent next.
#[derive(Debug)]
pub enum Next {
    /// A summary.
    Summary(SummaryFrame),
    /// Some other frame.
    Frame(Bytes),
    /// The last frame.
    Last(Bytes),
    /// Nothing new; there will be at this time, if one is given.
    Nothing(Option<Instant>),
}

impl Progress {
    /// Of a listener that has `since` already, if it says so.
    #[must_use]
    pub fn new(summary_type: SummaryType, partial: bool, since: Option<Version>) -> Self {
        Self {
            summary_type,
            partial,
            version: since.unwrap_or_default(),
            claimed: since.is_some(),
            insights: 0,
            partials: 0,
            insights_at: None,
        }
    }

    /// What to send next; it counts as had from now on.
    pub fn next(&mut self, board: &Board, now: Instant) -> Next {
        if let Some(frame) = board.summary(self.summary_type) {
            // A version above what there is was had of an erased conversation of the same name.
            let foreign = std::mem::take(&mut self.claimed) && frame.version < self.version;
            if foreign || frame.version > self.version {
                self.version = frame.version;
                return Next::Summary(frame.clone());
            }
        }
        let quiet = self.insights_at.map(|at| at + INSIGHTS_EVERY).filter(|until| *until > now);
        let new_insights = board.insights.number > self.insights;
        if new_insights && quiet.is_none() {
            self.insights = board.insights.number;
            self.insights_at = Some(now);
            return Next::Frame(board.insights.bytes.clone());
        }
        if let Some(ended) = &board.ended {
            return Next::Last(ended.clone());
        }
        if self.partial && board.partial.number > self.partials {
            self.partials = board.partial.number;
            if !board.partial.bytes.is_empty() {
                return Next::Frame(board.partial.bytes.clone());
            }
        }
        Next::Nothing(quiet.filter(|_| new_insights))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(version: u64) -> SummaryFrame {
        let bytes = Bytes::from(format!("summary {version}"));
        SummaryFrame { version: Version(version), generated_at: Timestamp::from_millis(0), bytes }
    }

    fn all(progress: &mut Progress, board: &Board, now: Instant) -> Vec<String> {
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        let mut sent = Vec::new();
        loop {
            match progress.next(board, now) {
                Next::Summary(frame) => sent.push(text(frame.bytes)),
                Next::Frame(bytes) => sent.push(text(bytes)),
                Next::Last(bytes) => {
                    sent.push(text(bytes));
                    return sent;
                }
                Next::Nothing(_) => return sent,
            }
        }
    }

    #[test]
    fn only_the_newest_is_sent_and_versions_ascend() {
        let mut board = Board::default();
        let mut progress = Progress::new(SummaryType::Brief, true, None);
        let now = Instant::now();
        for version in [1, 2, 3] {
            board.show_summary(SummaryType::Brief, summary(version));
        }
        assert_eq!(all(&mut progress, &board, now), ["summary 3"]);
        board.show_summary(SummaryType::Brief, summary(2));
        board.show_summary(SummaryType::Detailed, summary(9));
        assert!(all(&mut progress, &board, now).is_empty());
        assert_eq!(board.version(), Version(9));
    }

    #[test]
    fn what_the_client_has_is_skipped_unless_it_cannot_be_ours() {
        let mut board = Board::default();
        board.show_summary(SummaryType::Brief, summary(3));
        let now = Instant::now();
        assert!(all(&mut Progress::new(SummaryType::Brief, true, Some(Version(3))), &board, now).is_empty());
        assert_eq!(all(&mut Progress::new(SummaryType::Brief, true, Some(Version(2))), &board, now), ["summary 3"]);
        let mut foreign = Progress::new(SummaryType::Brief, true, Some(Version(8)));
        assert_eq!(all(&mut foreign, &board, now), ["summary 3"]);
        board.show_summary(SummaryType::Brief, summary(4));
        assert_eq!(all(&mut foreign, &board, now), ["summary 4"]);
    }

    #[test]
    fn insights_keep_their_distance() {
        let mut board = Board::default();
        let mut progress = Progress::new(SummaryType::Brief, true, None);
        let now = Instant::now();
        assert!(board.show_insights("one".into()));
        assert!(!board.show_insights("one".into()));
        assert_eq!(all(&mut progress, &board, now), ["one"]);
        board.show_insights("two".into());
        let soon = now + Duration::from_millis(400);
        assert!(matches!(progress.next(&board, soon), Next::Nothing(Some(at)) if at == now + INSIGHTS_EVERY));
        board.show_insights("three".into());
        assert_eq!(all(&mut progress, &board, now + INSIGHTS_EVERY), ["three"]);
        assert!(matches!(progress.next(&board, now + INSIGHTS_EVERY), Next::Nothing(None)));
    }

    #[test]
    fn partial_text_ends_with_its_summary_and_can_be_switched_off() {
        let mut board = Board::default();
        let now = Instant::now();
        let mut on = Progress::new(SummaryType::Brief, true, None);
        let mut off = Progress::new(SummaryType::Brief, false, None);
        board.show_partial("so".into());
        board.show_partial("so far".into());
        assert_eq!(all(&mut on, &board, now), ["so far"]);
        assert!(all(&mut off, &board, now).is_empty());
        board.show_partial("so far so good".into());
        board.show_summary(SummaryType::Brief, summary(1));
        assert_eq!(all(&mut on, &board, now), ["summary 1"]);
    }

    #[test]
    fn the_end_comes_last() {
        let mut board = Board::default();
        board.show_insights("one".into());
        board.show_summary(SummaryType::Brief, summary(1));
        board.end("ended".into());
        board.end("again".into());
        assert!(!board.show_insights("two".into()));
        board.show_partial("late".into());
        board.show_summary(SummaryType::Brief, summary(2));
        let mut progress = Progress::new(SummaryType::Brief, true, None);
        assert_eq!(all(&mut progress, &board, Instant::now()), ["summary 1", "one", "ended"]);
    }
}
