//! The engine of a run, given less where it says that it is too much; what it cost and dropped is added up.
//!
//! Law: every message reaches the engine, whole or in pieces; none is dropped to make the rest fit.

use std::pin::Pin;

use compact_str::CompactString;
use parking_lot::Mutex;
use shared::domain::{Dropped, Usage};
use shared::ports::{
    Folded, Gist, Material, News, SegmentSize, Summarizer, SummarizerError, SummaryMessage, SummaryRun,
};
use shared_insights::{Sensitive, sensitive, whole_values};

/// A text this short that is too large is no question of size.
const SMALLEST: usize = 512;

type Gisting<'a> = Pin<Box<dyn Future<Output = Result<Gist, SummarizerError>> + Send + 'a>>;

/// One engine at work on one version.
pub(crate) struct EngineRun<'a> {
    engine: &'a dyn Summarizer,
    run: SummaryRun,
    bill: Mutex<Bill>,
}

/// What the calls came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bill {
    pub(crate) usage: Usage,
    pub(crate) dropped: Vec<Dropped>,
}

impl<'a> EngineRun<'a> {
    pub(crate) fn new(engine: &'a dyn Summarizer, run: SummaryRun) -> Self {
        Self { engine, run, bill: Mutex::default() }
    }

    pub(crate) fn maker(&self) -> CompactString {
        self.engine.maker()
    }

    pub(crate) fn bill(&self) -> Bill {
        self.bill.lock().clone()
    }

    /// Whether calls have cost anything so far.
    pub(crate) fn paid(&self) -> bool {
        self.bill.lock().usage != Usage::default()
    }

    pub(crate) fn segment(&self) -> SegmentSize {
        self.engine.segment()
    }

    pub(crate) fn join(&self, parts: &[Gist]) -> Option<Gist> {
        self.engine.join(parts)
    }

    fn add(&self, usage: Usage, dropped: &[Dropped]) {
        let mut bill = self.bill.lock();
        bill.usage.tokens_in += usage.tokens_in;
        bill.usage.tokens_out += usage.tokens_out;
        for more in dropped {
            let same = |known: &&mut Dropped| known.part == more.part && known.reason == more.reason;
            match bill.dropped.iter_mut().find(same) {
                Some(known) => known.count += more.count,
                None => bill.dropped.push(*more),
            }
        }
    }

    /// The gist of a segment; of its halves, if it is too large.
    pub(crate) fn gist<'b>(&'b self, segment: &'b [SummaryMessage]) -> Gisting<'b> {
        Box::pin(async move {
            match self.engine.gist(&self.run, segment).await {
                Ok(made) => {
                    self.add(made.usage, &made.dropped);
                    return Ok(made.gist);
                }
                Err(SummarizerError::TooLarge) => {}
                Err(error) => return Err(error),
            }
            let (first, second) = halves(segment).ok_or(SummarizerError::TooLarge)?;
            let parts = [self.gist(&first).await?, self.gist(&second).await?];
            self.joined(&parts).await
        })
    }

    /// The gist of gists; of the gists of its halves, if they are too large together.
    pub(crate) fn merge<'b>(&'b self, gists: &'b [Gist]) -> Gisting<'b> {
        Box::pin(async move {
            match self.engine.merge(&self.run, gists).await {
                Ok(made) => {
                    self.add(made.usage, &made.dropped);
                    return Ok(made.gist);
                }
                Err(SummarizerError::TooLarge) if gists.len() > 3 => {}
                Err(error) => return Err(error),
            }
            let (first, second) = gists.split_at(gists.len() / 2);
            let parts = [self.merge(first).await?, self.merge(second).await?];
            self.joined(&parts).await
        })
    }

    async fn joined(&self, parts: &[Gist]) -> Result<Gist, SummarizerError> {
        if let Some(gist) = self.engine.join(parts) {
            return Ok(gist);
        }
        let made = self.engine.merge(&self.run, parts).await?;
        self.add(made.usage, &made.dropped);
        Ok(made.gist)
    }

    /// The summary. The rest of a segment is told of in the same call, if the engine can, else in one before it.
    pub(crate) async fn fold(&self, material: Material<'_>) -> Result<Folded, SummarizerError> {
        if material.rest.is_empty() {
            return self.fold_gists(material).await;
        }
        if self.engine.writes_on(&self.run, &material)
            && let Some(folded) = self.try_fold(&material).await?
        {
            return Ok(folded);
        }
        let rest = self.gist(material.rest).await?;
        let with_rest = |gists: &[Gist]| [gists, std::slice::from_ref(&rest)].concat();
        let gists = with_rest(material.gists);
        let fresh = material.news.map(|news| with_rest(news.gists)).unwrap_or_default();
        let news = material.news.map(|news| News { gists: &fresh, ..news });
        let folded = self.fold_gists(Material { gists: &gists, rest: &[], tail: material.tail, news }).await?;
        Ok(Folded { rest: Some(rest), ..folded })
    }

    /// Of the whole material, then of fewer gists, then of a gist of the tail, if it is too large.
    async fn fold_gists(&self, material: Material<'_>) -> Result<Folded, SummarizerError> {
        if let Some(folded) = self.try_fold(&material).await? {
            return Ok(folded);
        }
        let Material { tail, .. } = material;
        if material.news.is_some()
            && let Some(folded) = self.try_fold(&Material { news: None, ..material }).await?
        {
            return Ok(folded);
        }
        let mut less = material.gists.to_vec();
        if less.len() > 1 {
            less = vec![self.merge(&less).await?];
            if let Some(folded) = self.try_fold(&Material { gists: &less, rest: &[], tail, news: None }).await? {
                return Ok(folded);
            }
        }
        if tail.is_empty() {
            return Err(SummarizerError::TooLarge);
        }
        let end = self.gist(tail).await?;
        less.push(end.clone());
        let folded = self.try_fold(&Material { gists: &less, rest: &[], tail: &[], news: None }).await?;
        folded.map(|folded| Folded { notes: Some(end), ..folded }).ok_or(SummarizerError::TooLarge)
    }

    async fn try_fold(&self, material: &Material<'_>) -> Result<Option<Folded>, SummarizerError> {
        match self.engine.fold(&self.run, material).await {
            Ok(folded) => {
                self.add(folded.usage, &folded.dropped);
                Ok(Some(folded))
            }
            Err(SummarizerError::TooLarge) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Two halves of a segment; of its only message, if it has one only.
fn halves(segment: &[SummaryMessage]) -> Option<(Vec<SummaryMessage>, Vec<SummaryMessage>)> {
    if let [message] = segment {
        if message.content.len() < SMALLEST {
            return None;
        }
        let (first, second) = message.content.split_at(middle(&message.content));
        let part = |content: &str| vec![SummaryMessage { content: content.into(), ..message.clone() }];
        return Some((part(first), part(second)));
    }
    let (first, second) = segment.split_at(segment.len() / 2);
    (!first.is_empty()).then(|| (first.to_vec(), second.to_vec()))
}

/// Near the middle of a text, not within a value: half of one could not be told for what it is.
fn middle(text: &str) -> usize {
    let half = text.floor_char_boundary(text.len() / 2);
    match whole_values(text, half) {
        0 => {
            let spans = sensitive(text, &Sensitive::ALL);
            spans.first().map(|span| span.end).filter(|end| *end < text.len()).unwrap_or(half)
        }
        middle => middle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_not_cut_within_a_value() {
        let words = "word ".repeat(30);
        for text in [format!("{words}4111 1111 1111 1111 {words}"), format!("{words}ada@example.org{words}")] {
            let (first, second) = text.split_at(middle(&text));
            let found = [first, second].map(|part| sensitive(part, &Sensitive::ALL).len());
            assert_eq!(found.iter().sum::<usize>(), 1, "{first}|{second}");
        }
        let long = format!("-----BEGIN PRIVATE KEY-----\n{words}\n-----END PRIVATE KEY-----");
        assert_eq!(middle(&format!("{long} and more")), long.len());
        assert!((1..long.len()).contains(&middle(&long)));
    }
}
