//! One conversation folded as it is read, with what is told of its messages afterwards.

use std::collections::HashMap;

use import_formats::{Message, Place};
use shared::domain::Timestamp;
use shared_insights::Summary;
use summarizer_worker::OfflineFold;

/// Bytes of texts kept for `--explain`; of later messages only the place is told.
const KEPT: usize = 64 * 1024 * 1024;

/// The conversation so far.
#[derive(Default)]
pub(super) struct Folding {
    fold: OfflineFold,
    messages: Vec<Kept>,
    kept: usize,
    people: HashMap<String, u64>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// What is known of a message afterwards.
pub(super) struct Kept {
    pub(super) place: Place,
    /// Who and what, while there is room.
    pub(super) said: Option<(String, String)>,
}

/// A summary and what it was made from.
pub(super) struct Whole {
    pub(super) summary: Summary,
    pub(super) messages: Vec<Kept>,
    /// By count, then by name.
    pub(super) people: Vec<(String, u64)>,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
    pub(super) gists: usize,
}

impl Folding {
    /// Takes the next message; one without a time counts as written now.
    pub(super) fn push(&mut self, message: Message, now: Timestamp) {
        if let Some(at) = message.timestamp {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
        match self.people.get_mut(&message.user) {
            Some(count) => *count += 1,
            None => {
                self.people.insert(message.user.clone(), 1);
            }
        }
        self.kept += message.content.len();
        let said = (self.kept <= KEPT).then(|| (message.user.clone(), message.content.clone()));
        self.messages.push(Kept { place: message.place, said });
        let at = message.timestamp.unwrap_or(now);
        self.fold.push(message.user, message.content, at.as_millis());
    }

    pub(super) fn finish(self) -> Whole {
        let (summary, gists) = self.fold.finish();
        let mut people: Vec<(String, u64)> = self.people.into_iter().collect();
        people.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Whole { summary, messages: self.messages, people, first: self.first, last: self.last, gists }
    }
}
