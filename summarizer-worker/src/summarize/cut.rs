//! A conversation cut into closed segments, of which only a few gists need to be at hand.
//!
//! Each closed segment has a gist of level 0. When 32 of a level are there, they merge into one of the next, so a
//! conversation of n segments is at most 31 gists on each of log₃₂(n) levels: its *peaks*. Where the last closed
//! segment ends, the chain there and the digests of the peaks are the *cut*, a few KiB however long the conversation
//! is. It is kept beside each summary version, under a digest made from the chain at the version's last message,
//! which the summary pointer names. So the next version finds it in one look-up and reads only the log behind the last
//! closed segment. A cut that is lost, of another maker, or of another life of the conversation costs a reading of the
//! whole log, and nothing else: the gists themselves stand under digests of what they were made from.
//!
//! Law: the same records give the same peaks, and whether a stored cut fits the log is found out by the chain: it is
//! carried on from the cut's end to the last message and must meet the view's there.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use shared::domain::{ConversationKey, Digest, Record, Seq, Usage};
use shared::ports::{Gist, Summarizer, SummaryMessage};

use super::engine;
use super::gists::{Gists, Peak};
use super::run::RunError;
use super::segments::{OpenSegment, merge_digest, range, segment_digest};

/// So many gists of a level become one of the next, and so many at most are folded into a summary.
pub(crate) const FAN: usize = 32;

/// A cut as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredCut {
    /// The last record of the last closed segment.
    last: Seq,
    /// Messages in closed segments.
    messages: u64,
    /// The chain at `last`.
    chain: Digest,
    /// The peaks of each level, lowest level first, oldest peak first.
    levels: Vec<Vec<Digest>>,
}

/// Reads a conversation on from a cut.
pub(crate) struct Cutter<'a> {
    gists: &'a Gists,
    engine: &'a dyn Summarizer,
    key: &'a ConversationKey,
    maker: CompactString,
    /// Where the last closed segment ends.
    closed: StoredCut,
    /// The peaks that are at hand; the others stand in `closed.levels` by digest only.
    loaded: Vec<Peak>,
    open: OpenSegment,
    /// The last record read, and the chain there.
    last: Seq,
    chain: Digest,
    messages: u64,
    /// What engine calls have cost.
    pub(crate) usage: Usage,
}

impl<'a> Cutter<'a> {
    /// Begins at a stored cut, or at the first record.
    pub(crate) fn new(
        gists: &'a Gists,
        engine: &'a dyn Summarizer,
        key: &'a ConversationKey,
        cut: Option<StoredCut>,
    ) -> Self {
        let closed = cut.unwrap_or_else(|| StoredCut {
            last: Seq::ZERO,
            messages: 0,
            chain: Digest::genesis(key),
            levels: Vec::new(),
        });
        Self {
            gists,
            engine,
            key,
            maker: engine.maker(),
            last: closed.last,
            chain: closed.chain,
            messages: closed.messages,
            closed,
            loaded: Vec::new(),
            open: OpenSegment::default(),
            usage: Usage::default(),
        }
    }

    /// The record that comes next.
    pub(crate) fn next(&self) -> Seq {
        self.last.next()
    }

    /// The chain at the last record read.
    pub(crate) fn chain(&self) -> Digest {
        self.chain
    }

    /// How many messages were read, those before the cut included.
    pub(crate) fn messages(&self) -> u64 {
        self.messages
    }

    /// Takes the next record in; closes the segment if that fills it.
    pub(crate) async fn push(&mut self, record: Record) -> Result<(), RunError> {
        if record.seq != self.next() {
            return Err(RunError::Mismatch(format!("record {} is missing", self.next())));
        }
        self.chain = self.chain.then(&record);
        self.last = record.seq;
        self.messages += u64::from(record.posted().is_some());
        if self.open.push(record) {
            self.close().await?;
        }
        Ok(())
    }

    async fn close(&mut self) -> Result<(), RunError> {
        let segment = self.open.take();
        let content = segment_digest(self.key, &segment);
        let (first, last) = range(&segment);
        let found = self.gists.find(self.key, &self.maker, content).await?;
        let peak = if let Some(peak) = found {
            peak
        } else {
            let made = engine::gist(self.engine, &segment).await?;
            let messages = segment.len() as u64;
            let peak = Peak { content, first, last, messages, chain: self.chain, gist: made.gist, stored: false };
            self.made(peak, made.usage).await?
        };
        self.add(0, peak);
        let mut level = 0;
        while self.closed.levels[level].len() == FAN {
            let group = std::mem::take(&mut self.closed.levels[level]);
            let peak = self.merged(&group).await?;
            self.loaded.retain(|known| !group.contains(&known.content));
            level += 1;
            self.add(level, peak);
        }
        self.closed.last = self.last;
        self.closed.chain = self.chain;
        self.closed.messages = self.messages;
        Ok(())
    }

    fn add(&mut self, level: usize, peak: Peak) {
        while self.closed.levels.len() <= level {
            self.closed.levels.push(Vec::new());
        }
        self.closed.levels[level].push(peak.content);
        self.loaded.push(peak);
    }

    /// A paid gist is kept at once. One that cost nothing is kept with the cut, if it still is a peak then.
    async fn made(&mut self, mut peak: Peak, usage: Usage) -> Result<Peak, RunError> {
        engine::add(&mut self.usage, usage);
        if usage != Usage::default() {
            self.gists.save(self.key, &self.maker, &mut peak).await?;
        }
        Ok(peak)
    }

    /// The gist of some peaks that follow each other.
    async fn merged(&mut self, group: &[Digest]) -> Result<Peak, RunError> {
        let content = merge_digest(group.iter().copied());
        if let Some(peak) = self.gists.find(self.key, &self.maker, content).await? {
            return Ok(peak);
        }
        let peaks = self.peaks(group).await?;
        let (Some(first), Some(last)) = (peaks.first(), peaks.last()) else {
            return Err(RunError::Mismatch("a cut without peaks".to_owned()));
        };
        let whole = Peak {
            content,
            first: first.first,
            last: last.last,
            messages: peaks.iter().map(|peak| peak.messages).sum(),
            chain: last.chain,
            gist: Gist("null".into()),
            stored: false,
        };
        let gists: Vec<Gist> = peaks.into_iter().map(|peak| peak.gist).collect();
        let made = engine::merge(self.engine, &gists).await?;
        self.made(Peak { gist: made.gist, ..whole }, made.usage).await
    }

    async fn peaks(&self, digests: &[Digest]) -> Result<Vec<Peak>, RunError> {
        let mut peaks = Vec::with_capacity(digests.len());
        for digest in digests {
            if let Some(peak) = self.loaded.iter().find(|peak| peak.content == *digest) {
                peaks.push(peak.clone());
                continue;
            }
            let found = self.gists.find(self.key, &self.maker, *digest).await?;
            peaks.push(found.ok_or_else(|| RunError::Mismatch("a gist of the cut is lost".to_owned()))?);
        }
        Ok(peaks)
    }

    /// At most [`FAN`] gists that stand for all closed segments, and the messages after them. Of more peaks, those
    /// above level 0 are merged; that changes once in [`FAN`] segments and is kept as any gist is.
    pub(crate) async fn material(&mut self) -> Result<(Vec<Gist>, Vec<SummaryMessage>), RunError> {
        let all: usize = self.closed.levels.iter().map(Vec::len).sum();
        let mut upper: Vec<Digest> = self.closed.levels.iter().skip(1).rev().flatten().copied().collect();
        let lowest = self.closed.levels.first().cloned().unwrap_or_default();
        if all > FAN {
            while upper.len() > 1 {
                let mut fewer = Vec::new();
                for group in upper.chunks(FAN) {
                    if let [alone] = group {
                        fewer.push(*alone);
                        continue;
                    }
                    let peak = self.merged(group).await?;
                    fewer.push(peak.content);
                    self.loaded.push(peak);
                }
                upper = fewer;
            }
        }
        upper.extend(lowest);
        let peaks = self.peaks(&upper).await?;
        Ok((peaks.into_iter().map(|peak| peak.gist).collect(), self.open.take()))
    }

    /// Keeps what the next version needs: the peaks, then the cut under the chain at the last message.
    pub(crate) async fn keep(&mut self, covered: &Digest) -> Result<(), RunError> {
        if self.closed.levels.is_empty() {
            // Shorter than a segment: reading it again costs less than a look-up.
            return Ok(());
        }
        let (gists, key, maker) = (self.gists, self.key, &self.maker);
        let saves = self.loaded.iter_mut().map(|peak| gists.save(key, maker, peak));
        futures_util::future::try_join_all(saves).await?;
        self.gists.save_cut(self.key, &self.maker, covered, &self.closed).await?;
        Ok(())
    }
}
