//! A conversation cut into closed segments, of which only a few gists need to be at hand.
//!
//! Each closed segment has a gist of level 0. When 32 of a level are there, they merge into one of the next, so a
//! conversation of n segments is at most 31 gists on each of log₃₂(n) levels: its *peaks*. A full segment is closed by
//! the message after it. Where the last closed segment ends, the chain there and the digests of the peaks are the
//! *cut*, a few KiB however long the conversation is. It is kept beside each summary version, under a digest made from
//! the chain at the version's last message, which the summary pointer names. So the next version finds it in one
//! look-up and reads only the log behind the last closed segment. A cut that is lost, of another maker, or of another
//! life of the conversation costs a reading of the whole log, and nothing else: the gists themselves stand under
//! digests of what they were made from.
//!
//! An engine that makes *notes* of the tail while it writes a summary is sent each message once: notes of the open
//! segment are kept in the cut, the next version sends what came after them, and a segment that is closed gets their
//! sum as its gist. The end of a segment that the version before had not seen is sent with the next version too: until
//! then the segment is *pending*.
//!
//! Law: the same records give the same segments, and whether a stored cut fits the log is found out by the chain: it
//! is carried on from the cut's end to the last message and must meet the view's there.

use compact_str::CompactString;
use serde_json::value::RawValue;
use shared::domain::{ConversationKey, Digest, Record, RecordBody, Seq};
use shared::ports::{Folded, Gist, Material, News, Span, SummaryMessage};

use super::engine::EngineRun;
use super::gists::{Gists, Peak};
use super::run::RunError;
use super::segments::{OpenSegment, merge_digest, range, segment_digest};
use super::stored::{Note, Pending, StoredCut};

/// So many gists of a level become one of the next, and so many at most are folded into a summary, beside notes.
pub(crate) const FAN: usize = 32;

/// Reads a conversation on from a cut.
pub(crate) struct Cutter<'a> {
    gists: &'a Gists,
    engine: &'a EngineRun<'a>,
    key: &'a ConversationKey,
    maker: CompactString,
    /// In which epoch the texts were read.
    epoch: u64,
    /// Where the last closed segment ends.
    closed: StoredCut,
    /// The peaks that are at hand; the others stand in `closed.levels` by digest only.
    loaded: Vec<Peak>,
    open: OpenSegment,
    /// The last record read, and the chain there.
    last: Seq,
    chain: Digest,
    messages: u64,
    /// The last message that the version before had seen.
    seen: Seq,
    /// Gists of what came since and was closed; `None` once it is not known any more.
    fresh: Option<Vec<Gist>>,
    /// Only while what came since is known.
    pending: Option<Pending>,
}

/// What a summary is made from, owned.
pub(crate) struct CutMaterial {
    gists: Vec<Gist>,
    rest: Vec<SummaryMessage>,
    tail: Vec<SummaryMessage>,
    pub(crate) fresh: Option<Vec<Gist>>,
    pub(crate) since_whole: u64,
}

impl CutMaterial {
    /// As an engine is given it.
    pub(crate) fn of<'a>(&'a self, news: Option<News<'a>>) -> Material<'a> {
        Material { gists: &self.gists, rest: &self.rest, tail: &self.tail, news }
    }
}

impl<'a> Cutter<'a> {
    /// Begins at a stored cut, or at the first record.
    pub(crate) fn new(
        gists: &'a Gists,
        engine: &'a EngineRun<'a>,
        key: &'a ConversationKey,
        epoch: u64,
        cut: Option<StoredCut>,
    ) -> Self {
        let fresh = cut.as_ref().filter(|cut| !cut.notes.is_empty()).map(|_| Vec::new());
        let closed = cut.unwrap_or_else(|| StoredCut {
            last: Seq::ZERO,
            messages: 0,
            chain: Digest::genesis(key),
            levels: Vec::new(),
            notes: Vec::new(),
            since_whole: 0,
        });
        Self {
            gists,
            engine,
            key,
            maker: engine.maker(),
            epoch,
            last: closed.last,
            chain: closed.chain,
            messages: closed.messages,
            seen: closed.notes.last().map_or(closed.last, |note| note.last),
            closed,
            loaded: Vec::new(),
            open: OpenSegment::default(),
            fresh,
            pending: None,
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

    /// Takes the next record in; closes the segment before it, if that is full.
    pub(crate) async fn push(&mut self, record: Record) -> Result<(), RunError> {
        if record.seq != self.next() {
            return Err(RunError::Mismatch(format!("record {} is missing", self.next())));
        }
        if matches!(record.body, RecordBody::Posted(_) | RecordBody::Removed(_))
            && self.open.is_full(self.engine.segment())
        {
            self.close().await?;
        }
        if let Some(posted) = record.posted() {
            self.messages += 1;
            if record.seq > self.seen {
                self.closed.since_whole += posted.content.len() as u64;
            }
        }
        self.chain = self.chain.then(&record);
        self.last = record.seq;
        self.open.push(record);
        Ok(())
    }

    async fn close(&mut self) -> Result<(), RunError> {
        self.settle(None).await?;
        let segment = self.open.take();
        if segment.is_empty() {
            // All of it was erased.
            self.closed_at(self.last, self.chain, self.messages);
            return Ok(());
        }
        let content = segment_digest(self.key, &segment);
        let notes = std::mem::take(&mut self.closed.notes);
        let (last, chain, messages) = (self.last, self.chain, self.messages);
        let pending = Pending { content, segment, notes, last, chain, messages };
        if let Some(peak) = self.gists.find(self.key, self.epoch, &self.maker, content).await? {
            self.found(&pending, &peak.gist);
            return self.closed_with(&pending, peak).await;
        }
        if self.fresh.is_some() && !pending.rest().is_empty() {
            self.pending = Some(pending);
            return Ok(());
        }
        self.made(pending, None).await
    }

    /// A segment whose gist is there.
    fn found(&mut self, closed: &Pending, gist: &Gist) {
        let Span { last, .. } = range(&closed.segment);
        if last <= self.seen {
            return;
        }
        if closed.notes.is_empty() {
            self.fresh.iter_mut().for_each(|fresh| fresh.push(gist.clone()));
        } else {
            // A gist of all of it, where only the end is new.
            self.fresh = None;
        }
        self.seen = last;
    }

    /// Closes the pending segment, if there is one: with the gist of its rest, which is made now if it is not given.
    async fn settle(&mut self, rest: Option<Gist>) -> Result<(), RunError> {
        let Some(pending) = self.pending.take() else { return Ok(()) };
        let whole = range(&pending.segment);
        self.seen = whole.last;
        let rest = if let Some(rest) = rest {
            // Made while all that there is was told.
            (rest, Span { first: Seq(1), last: self.last })
        } else {
            let rest = self.engine.gist(pending.rest()).await?;
            self.fresh.iter_mut().for_each(|fresh| fresh.push(rest.clone()));
            (rest, whole)
        };
        self.made(pending, Some(rest)).await
    }

    /// The gist of a segment, put together from those of its parts, and what was told when they were made.
    fn join(&self, segment: &Pending, rest: Option<(Gist, Span)>) -> Option<(Gist, Span)> {
        let (rest, told) = rest.unzip();
        let mut told = told.unwrap_or_else(|| range(&segment.segment));
        if !segment.notes.is_empty() {
            // Whoever made them was told of everything before.
            told.first = Seq(1);
        }
        let mut parts: Vec<Gist> = segment.notes.iter().map(Note::gist).chain(rest).collect();
        let gist = if parts.len() > 1 { self.engine.join(&parts) } else { parts.pop() };
        gist.map(|gist| (gist, told))
    }

    /// Closes a segment with a gist that is made for it, from that of its rest where there is one.
    async fn made(&mut self, segment: Pending, rest: Option<(Gist, Span)>) -> Result<(), RunError> {
        let (gist, told) = match self.join(&segment, rest) {
            Some(joined) => joined,
            None => (self.engine.gist(&segment.segment).await?, range(&segment.segment)),
        };
        let messages = segment.segment.len() as u64;
        let Pending { content, chain, .. } = segment;
        let peak = Peak { content, told, messages, chain, gist, stored: false };
        let peak = self.kept(peak).await?;
        self.closed_with(&segment, peak).await
    }

    async fn closed_with(&mut self, segment: &Pending, peak: Peak) -> Result<(), RunError> {
        self.add(0, peak);
        let mut level = 0;
        while self.closed.levels[level].len() == FAN {
            let group = std::mem::take(&mut self.closed.levels[level]);
            let peak = self.merged(&group).await?;
            self.loaded.retain(|known| !group.contains(&known.content));
            level += 1;
            self.add(level, peak);
        }
        self.closed_at(segment.last, segment.chain, segment.messages);
        Ok(())
    }

    fn closed_at(&mut self, last: Seq, chain: Digest, messages: u64) {
        self.closed.last = last;
        self.closed.chain = chain;
        self.closed.messages = messages;
    }

    fn add(&mut self, level: usize, peak: Peak) {
        while self.closed.levels.len() <= level {
            self.closed.levels.push(Vec::new());
        }
        self.closed.levels[level].push(peak.content);
        self.loaded.push(peak);
    }

    /// A paid gist is kept at once. One that cost nothing is kept with the cut, if it still is a peak then.
    async fn kept(&mut self, mut peak: Peak) -> Result<Peak, RunError> {
        if self.engine.paid() {
            self.gists.save(self.key, self.epoch, &self.maker, &mut peak).await?;
        }
        Ok(peak)
    }

    /// The gist of some peaks that follow each other.
    async fn merged(&mut self, group: &[Digest]) -> Result<Peak, RunError> {
        let content = merge_digest(group.iter().copied());
        if let Some(peak) = self.gists.find(self.key, self.epoch, &self.maker, content).await? {
            return Ok(peak);
        }
        let peaks = self.peaks(group).await?;
        let (Some(told), Some(last)) = (peaks.iter().map(|peak| peak.told).reduce(both), peaks.last()) else {
            return Err(RunError::Mismatch("a cut without peaks".to_owned()));
        };
        let whole = Peak {
            content,
            told,
            messages: peaks.iter().map(|peak| peak.messages).sum(),
            chain: last.chain,
            gist: Gist("null".into()),
            stored: false,
        };
        let gists: Vec<Gist> = peaks.into_iter().map(|peak| peak.gist).collect();
        let gist = self.engine.merge(&gists).await?;
        self.kept(Peak { gist, ..whole }).await
    }

    async fn peaks(&self, digests: &[Digest]) -> Result<Vec<Peak>, RunError> {
        let mut peaks = Vec::with_capacity(digests.len());
        for digest in digests {
            if let Some(peak) = self.loaded.iter().find(|peak| peak.content == *digest) {
                peaks.push(peak.clone());
                continue;
            }
            let found = self.gists.find(self.key, self.epoch, &self.maker, *digest).await?;
            peaks.push(found.ok_or_else(|| RunError::Mismatch("a gist of the cut is lost".to_owned()))?);
        }
        Ok(peaks)
    }

    /// At most [`FAN`] gists that stand for all closed segments, the notes of the pending and the open one, and the
    /// messages after them. Of more peaks, those above level 0 are merged; that changes once in [`FAN`] segments and is
    /// kept as any gist is.
    pub(crate) async fn material(&mut self) -> Result<CutMaterial, RunError> {
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
        let mut gists: Vec<Gist> = self.peaks(&upper).await?.into_iter().map(|peak| peak.gist).collect();
        let pending = self.pending.as_ref();
        let notes = pending.map_or(&self.closed.notes, |pending| &pending.notes);
        gists.extend(notes.iter().map(Note::gist));
        let rest = pending.map_or_else(Vec::new, |pending| pending.rest().to_vec());
        let until = self.closed.notes.last().map_or(self.closed.last, |note| note.last);
        let mut tail = self.open.take();
        tail.retain(|message| message.seq > until);
        let since_whole = self.closed.since_whole;
        Ok(CutMaterial { gists, rest, tail, fresh: self.fresh.take(), since_whole })
    }

    /// Takes the notes that the engine made of the rest and of the tail, up to `last`.
    pub(crate) async fn noted(&mut self, last: Seq, folded: &Folded) -> Result<(), RunError> {
        if folded.whole {
            self.closed.since_whole = 0;
        }
        self.settle(folded.rest.clone()).await?;
        let Some(Gist(json)) = &folded.notes else { return Ok(()) };
        let gist = RawValue::from_string(json.clone().into());
        let gist = gist.map_err(|_| RunError::Mismatch("an engine's note is no JSON".to_owned()))?;
        self.closed.notes.push(Note { last, gist });
        Ok(())
    }

    /// Keeps what the next version needs: the peaks, then the cut under the chain at the last message.
    pub(crate) async fn keep(&mut self, covered: &Digest) -> Result<(), RunError> {
        if self.closed.levels.is_empty() && self.closed.notes.is_empty() {
            // Shorter than a segment: reading it again costs less than a look-up.
            return Ok(());
        }
        let (gists, key, maker, epoch) = (self.gists, self.key, &self.maker, self.epoch);
        let saves = self.loaded.iter_mut().map(|peak| gists.save(key, epoch, maker, peak));
        futures_util::future::try_join_all(saves).await?;
        // It holds notes, and stands for all that it was made from.
        let span = Span { first: Seq(1), last: self.last };
        self.gists.save_cut(self.key, self.epoch, &self.maker, covered, (span, &self.closed)).await?;
        Ok(())
    }
}

/// From the first of two spans to the last.
fn both(one: Span, other: Span) -> Span {
    Span { first: one.first.min(other.first), last: one.last.max(other.last) }
}
