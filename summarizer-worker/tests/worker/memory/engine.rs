//! An engine that writes down what it was asked, and says which seqs its answers stand for.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use compact_str::CompactString;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use shared::domain::{SummaryContent, Usage};
use shared::ports::{Folded, Gist, Gisted, Material, Summarizer, SummarizerError, SummaryMessage, SummaryRun};

use super::Faults;

/// What the engine was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Gist(Vec<u64>),
    Merge(usize),
    Fold { gists: usize, tail: usize },
}

/// The seqs that a gist stands for.
#[derive(Serialize, Deserialize)]
struct Note(Vec<u64>);

#[derive(Default)]
pub(crate) struct CountingEngine {
    pub(crate) calls: Mutex<Vec<Call>>,
    pub(crate) faults: Faults,
    /// What each call costs.
    pub(crate) usage: Usage,
    /// Calls with more text than this, in bytes, are too large; 0 = none.
    pub(crate) most: usize,
    /// How long a fold takes.
    pub(crate) takes: Duration,
    /// Whether it writes on from the version before, and makes notes of what it is shown.
    pub(crate) notes: bool,
}

impl CountingEngine {
    pub(crate) fn paid() -> Arc<Self> {
        Arc::new(Self { usage: Usage { tokens_in: 10, tokens_out: 1 }, ..Self::default() })
    }

    pub(crate) fn noting() -> Arc<Self> {
        Arc::new(Self { usage: Usage { tokens_in: 10, tokens_out: 1 }, notes: true, ..Self::default() })
    }

    pub(crate) fn count(&self, what: impl Fn(&Call) -> bool) -> usize {
        self.calls.lock().iter().filter(|call| what(call)).count()
    }

    fn called(&self, call: Call, size: usize) -> Result<(), SummarizerError> {
        if self.faults.hit() {
            return Err(SummarizerError::Unavailable(Some(Arc::new(io::Error::other("a fault of the test")))));
        }
        if self.most > 0 && size > self.most {
            return Err(SummarizerError::TooLarge);
        }
        self.calls.lock().push(call);
        Ok(())
    }

    fn gisted(&self, seqs: Vec<u64>) -> Gisted {
        Gisted { gist: note(seqs), usage: self.usage, dropped: Vec::new() }
    }
}

fn note(seqs: Vec<u64>) -> Gist {
    Gist(serde_json::to_string(&Note(seqs)).unwrap().into())
}

/// The note of messages, if there are any.
fn noted(messages: &[SummaryMessage]) -> Option<Gist> {
    (!messages.is_empty()).then(|| note(seqs(messages)))
}

fn seqs(messages: &[SummaryMessage]) -> Vec<u64> {
    messages.iter().map(|message| message.seq.0).collect()
}

fn size(messages: &[SummaryMessage]) -> usize {
    messages.iter().map(|message| message.content.len()).sum()
}

fn all(gists: &[Gist]) -> Vec<u64> {
    gists.iter().flat_map(|gist| serde_json::from_str::<Note>(&gist.0).unwrap().0).collect()
}

#[async_trait]
impl Summarizer for CountingEngine {
    fn engine(&self) -> CompactString {
        "counting".into()
    }

    fn maker(&self) -> CompactString {
        "counting/7".into()
    }

    async fn gist(&self, _: &SummaryRun, segment: &[SummaryMessage]) -> Result<Gisted, SummarizerError> {
        self.called(Call::Gist(seqs(segment)), size(segment))?;
        Ok(self.gisted(seqs(segment)))
    }

    async fn merge(&self, _: &SummaryRun, gists: &[Gist]) -> Result<Gisted, SummarizerError> {
        self.called(Call::Merge(gists.len()), 0)?;
        Ok(self.gisted(all(gists)))
    }

    fn join(&self, parts: &[Gist]) -> Option<Gist> {
        self.notes.then(|| note(all(parts)))
    }

    fn writes_on(&self, _: &SummaryRun, material: &Material<'_>) -> bool {
        self.notes && material.news.is_some()
    }

    /// The brief names every seq that it was made from, so that a test sees whether one was left out.
    async fn fold(&self, _: &SummaryRun, material: &Material<'_>) -> Result<Folded, SummarizerError> {
        let (gists, rest, tail) = (material.gists, material.rest, material.tail);
        tokio::time::sleep(self.takes).await;
        self.called(Call::Fold { gists: gists.len(), tail: tail.len() }, size(tail))?;
        let before = material.news.filter(|_| self.notes);
        let mut covered = match before {
            Some(news) => {
                let mut told: Vec<u64> = serde_json::from_str(&news.before.content.brief).unwrap();
                told.extend(all(news.gists));
                told
            }
            None => all(gists),
        };
        assert!(rest.is_empty() || before.is_some(), "only one that writes on is given a rest");
        covered.extend(seqs(rest));
        covered.extend(seqs(tail));
        let mut content: SummaryContent = shared_insights::fold(&[], &[]);
        content.brief = serde_json::to_string(&covered).unwrap();
        let notes = noted(tail).filter(|_| self.notes);
        let (usage, whole) = (self.usage, before.is_none());
        Ok(Folded { content, usage, dropped: Vec::new(), rest: noted(rest), notes, whole })
    }
}
