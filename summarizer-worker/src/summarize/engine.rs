//! The engine, given less where it says that it is too much.
//!
//! Law: every message reaches the engine, whole or in pieces; none is dropped to make the rest fit.

use std::pin::Pin;

use shared::domain::Usage;
use shared::ports::{Folded, Gist, Gisted, Summarizer, SummarizerError, SummaryMessage};

/// A text this short that is too large is no question of size.
const SMALLEST: usize = 512;

type Gisting<'a> = Pin<Box<dyn Future<Output = Result<Gisted, SummarizerError>> + Send + 'a>>;

/// The gist of a segment; of its halves, if it is too large.
pub(crate) fn gist<'a>(engine: &'a dyn Summarizer, segment: &'a [SummaryMessage]) -> Gisting<'a> {
    Box::pin(async move {
        match engine.gist(segment).await {
            Err(SummarizerError::TooLarge) => {}
            result => return result,
        }
        let (first, second) = halves(segment).ok_or(SummarizerError::TooLarge)?;
        let parts = [gist(engine, &first).await?, gist(engine, &second).await?];
        joined(engine, parts).await
    })
}

/// The gist of gists; of the gists of its halves, if they are too large together.
pub(crate) fn merge<'a>(engine: &'a dyn Summarizer, gists: &'a [Gist]) -> Gisting<'a> {
    Box::pin(async move {
        match engine.merge(gists).await {
            Err(SummarizerError::TooLarge) if gists.len() > 3 => {}
            result => return result,
        }
        let (first, second) = gists.split_at(gists.len() / 2);
        let parts = [merge(engine, first).await?, merge(engine, second).await?];
        joined(engine, parts).await
    })
}

/// The summary; of fewer gists, and then of a gist of the tail, if it is too large.
pub(crate) async fn fold(
    engine: &dyn Summarizer,
    gists: Vec<Gist>,
    tail: &[SummaryMessage],
) -> Result<Folded, SummarizerError> {
    match engine.fold(&gists, tail).await {
        Err(SummarizerError::TooLarge) => {}
        result => return result,
    }
    let mut usage = Usage::default();
    let mut less = gists;
    if less.len() > 1 {
        let merged = merge(engine, &less).await?;
        add(&mut usage, merged.usage);
        less = vec![merged.gist];
        match engine.fold(&less, tail).await {
            Err(SummarizerError::TooLarge) => {}
            result => return result.map(|folded| with(folded, usage)),
        }
    }
    if tail.is_empty() {
        return Err(SummarizerError::TooLarge);
    }
    let end = gist(engine, tail).await?;
    add(&mut usage, end.usage);
    less.push(end.gist);
    engine.fold(&less, &[]).await.map(|folded| with(folded, usage))
}

/// Adds up costs.
pub(crate) fn add(sum: &mut Usage, more: Usage) {
    sum.tokens_in += more.tokens_in;
    sum.tokens_out += more.tokens_out;
}

fn with(mut folded: Folded, usage: Usage) -> Folded {
    add(&mut folded.usage, usage);
    folded
}

async fn joined(engine: &dyn Summarizer, parts: [Gisted; 2]) -> Result<Gisted, SummarizerError> {
    let [first, second] = parts;
    let mut merged = engine.merge(&[first.gist, second.gist]).await?;
    add(&mut merged.usage, first.usage);
    add(&mut merged.usage, second.usage);
    Ok(merged)
}

/// Two halves of a segment; of its only message, if it has one only.
fn halves(segment: &[SummaryMessage]) -> Option<(Vec<SummaryMessage>, Vec<SummaryMessage>)> {
    if let [message] = segment {
        if message.content.len() < SMALLEST {
            return None;
        }
        let middle = message.content.floor_char_boundary(message.content.len() / 2);
        let (first, second) = message.content.split_at(middle);
        let part = |content: &str| vec![SummaryMessage { content: content.into(), ..message.clone() }];
        return Some((part(first), part(second)));
    }
    let (first, second) = segment.split_at(segment.len() / 2);
    (!first.is_empty()).then(|| (first.to_vec(), second.to_vec()))
}
