//! The `local` engine: `shared-insights` behind the port, off the async threads.
//!
//! Law: the same messages give the same summary, and nothing leaves the process.

use async_trait::async_trait;
use compact_str::{CompactString, format_compact};
use shared::domain::Usage;
use shared::ports::{Folded, Gist, Gisted, Material, Summarizer, SummarizerError, SummaryMessage, SummaryRun};
use shared_insights::{Gist as Note, Message};

/// Counted up with every change of the rules that changes a gist's form or words.
const RULES: u32 = 2;

/// Writes summaries without a model.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalSummarizer;

#[async_trait]
impl Summarizer for LocalSummarizer {
    fn engine(&self) -> CompactString {
        CompactString::const_new("local")
    }

    fn maker(&self) -> CompactString {
        format_compact!("local/{RULES}")
    }

    async fn gist(&self, _: &SummaryRun, segment: &[SummaryMessage]) -> Result<Gisted, SummarizerError> {
        let segment = segment.to_vec();
        on_own_thread(move || written(&shared_insights::gist(&messages(&segment)))).await
    }

    async fn merge(&self, _: &SummaryRun, gists: &[Gist]) -> Result<Gisted, SummarizerError> {
        let gists = gists.to_vec();
        on_own_thread(move || written(&shared_insights::merge(&notes(&gists)?))).await
    }

    async fn fold(&self, _: &SummaryRun, material: &Material<'_>) -> Result<Folded, SummarizerError> {
        let (gists, tail) = (material.gists.to_vec(), material.tail.to_vec());
        on_own_thread(move || {
            let content = shared_insights::fold(&notes(&gists)?, &messages(&tail));
            Ok(Folded { content, usage: Usage::default(), dropped: Vec::new(), rest: None, notes: None, whole: true })
        })
        .await
    }
}

async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SummarizerError> + Send + 'static,
) -> Result<T, SummarizerError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => Err(SummarizerError::Refused("the local engine gave up on this text".into())),
        Err(_) => Err(SummarizerError::Unavailable(None)),
    }
}

fn messages(segment: &[SummaryMessage]) -> Vec<Message<'_>> {
    segment.iter().map(message).collect()
}

fn message(message: &SummaryMessage) -> Message<'_> {
    Message {
        seq: message.seq.0,
        author: message.user.as_str(),
        text: &message.content,
        at_ms: message.timestamp.as_millis(),
    }
}

fn notes(gists: &[Gist]) -> Result<Vec<Note>, SummarizerError> {
    let note = |gist: &Gist| serde_json::from_str(&gist.0).map_err(|_| unreadable());
    gists.iter().map(note).collect()
}

fn written(note: &Note) -> Result<Gisted, SummarizerError> {
    let json = serde_json::to_string(note).map_err(|_| unreadable())?;
    Ok(Gisted { gist: Gist(json.into()), usage: Usage::default(), dropped: Vec::new() })
}

fn unreadable() -> SummarizerError {
    SummarizerError::Refused("a gist is not of these rules".to_owned())
}
