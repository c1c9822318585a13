//! An answer of a model on its way to a reader, without the model: what fuzzers call.

use shared::domain::ConversationKey;
use shared::ports::{SummarizerError, SummaryMessage};
use shared_insights::Sensitive;

use super::checked::Checks;
use super::fence::Fence;
use super::ground::Ground;
use super::part::Part;
use super::prompts::Prompt;
use super::reply;
use super::veil::Veils;
use super::write::content;

/// What a question about these lines shows, and every text that a reader would see of such an answer to it.
pub struct Probed {
    /// The question's data.
    pub question: String,
    /// The texts that passed.
    pub texts: Vec<String>,
    /// What items cite.
    pub evidence: Vec<u64>,
}

/// Asks about lines, in order of their seqs, and reads `answer` as the answer; `None` where it is none.
#[must_use]
pub fn answered(key: &ConversationKey, lines: &[SummaryMessage], answer: &str) -> Option<Probed> {
    let mut fence = Fence::open([7; 16], Veils::new(&Sensitive::ALL, [7; 16]).over(key));
    let mark = fence.mark().to_owned();
    for line in lines {
        fence.said(line.seq.0, line.user.as_str(), &line.content);
    }
    let (question, veil) = fence.close();
    let read = |wanted| reply::read(answer, wanted);
    let mut answer = read("brief").or_else(|| read("about")).or_else(|| read("texts"))?;
    answer.each(|text| veil.lift(text));
    let mut ground = Ground::default();
    ground.messages(lines);
    let checks = Checks::new(lines, ground, &Prompt::Fold.role(&mark), mark);
    let mut texts = checks.texts(&answer);
    checks.repaired(&mut texts, &answer.texts);
    let checked = checks.done(&answer, texts);
    let mut dropped = checked.dropped;
    let part = Part::read(&checked.part.gist().ok()?).ok()?;
    let written = content(&mut Part::default(), part, checked.brief, checked.detailed, &mut dropped);
    let content = match written {
        Ok(content) => content,
        Err(SummarizerError::Refused(_)) => return Some(Probed { question, texts: vec![], evidence: vec![] }),
        Err(_) => return None,
    };
    let mut texts = vec![content.brief, content.detailed];
    texts.extend(content.keywords);
    let mut evidence = Vec::new();
    for item in content.action_items {
        texts.extend([Some(item.text), item.owner, item.due.map(|due| due.words)].into_iter().flatten());
        evidence.extend(item.evidence);
    }
    for finding in content.decisions.into_iter().chain(content.open_questions) {
        texts.push(finding.text);
        evidence.extend(finding.evidence);
    }
    Some(Probed { question, texts, evidence })
}
