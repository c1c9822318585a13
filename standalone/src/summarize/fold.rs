//! One conversation folded as it is read, with what is told of its messages afterwards.

use std::collections::HashMap;
use std::time::Instant;

use import_formats::{Message, Place};
use shared::domain::{Dropped, FallbackReason, Timestamp, Usage};
use shared::ports::Summarizer as _;
use shared_insights::Summary;
use summarizer_worker::{LocalSummarizer, OfflineFold};

use super::model::Chat;

/// Bytes of texts kept for `--explain`; of later messages only the place is told.
const KEPT: usize = 64 * 1024 * 1024;

/// Who writes the summary.
pub(super) enum Writer {
    /// The local engine, while it is read.
    Local(OfflineFold),
    /// The model, once it is read.
    Model(Chat),
}

/// The conversation so far.
pub(super) struct Folding {
    writer: Writer,
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

/// How a summary came about, as a stored version says it.
pub(super) struct Record {
    pub(super) engine: String,
    pub(super) prompt_version: String,
    pub(super) fallback: Option<FallbackReason>,
    pub(super) usage: Usage,
    pub(super) latency_ms: u64,
    pub(super) dropped: Vec<Dropped>,
    /// Gists of closed segments that it was made from, where that is known.
    pub(super) gists: Option<usize>,
}

/// A summary and what it was made from.
pub(super) struct Whole {
    pub(super) summary: Summary,
    pub(super) record: Record,
    pub(super) messages: Vec<Kept>,
    /// By count, then by name.
    pub(super) people: Vec<(String, u64)>,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
}

impl Folding {
    pub(super) fn new(writer: Writer) -> Self {
        let (messages, people) = (Vec::new(), HashMap::new());
        Self { writer, messages, kept: 0, people, first: None, last: None }
    }

    /// Takes the next message; one without a time counts as written now.
    pub(super) fn push(&mut self, message: Message, now: Timestamp) -> anyhow::Result<()> {
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
        match &mut self.writer {
            Writer::Local(fold) => {
                fold.push(message.user, message.content, at.as_millis());
                Ok(())
            }
            Writer::Model(chat) => chat.push(&message.user, &message.content, at),
        }
    }

    pub(super) fn finish(self) -> anyhow::Result<Whole> {
        let (summary, record) = match self.writer {
            Writer::Local(fold) => local(fold),
            Writer::Model(chat) => {
                let version = chat.finish()?;
                let record = Record {
                    engine: version.engine.into(),
                    prompt_version: version.prompt_version.into(),
                    fallback: version.fallback,
                    usage: version.usage,
                    latency_ms: version.latency_ms,
                    dropped: version.dropped,
                    gists: None,
                };
                (version.content, record)
            }
        };
        let mut people: Vec<(String, u64)> = self.people.into_iter().collect();
        people.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(Whole { summary, record, messages: self.messages, people, first: self.first, last: self.last })
    }
}

fn local(fold: OfflineFold) -> (Summary, Record) {
    let begun = Instant::now();
    let (summary, gists) = fold.finish();
    let record = Record {
        engine: LocalSummarizer.engine().into(),
        prompt_version: LocalSummarizer.maker().rsplit('/').next().unwrap_or_default().to_owned(),
        fallback: None,
        usage: Usage::default(),
        latency_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        dropped: Vec::new(),
        gists: Some(gists),
    };
    (summary, record)
}
