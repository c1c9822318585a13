//! Finds action items, decisions and questions in a document.

use super::{ActionItem, ActionStatus, Finding, cues};
use crate::text::{Document, End, plain};

/// Bytes of one item's text.
const TEXT: usize = 200;

/// What a stretch of conversation leaves to be done, settled or unanswered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) actions: Vec<ActionItem>,
    pub(crate) decisions: Vec<Finding>,
    pub(crate) questions: Vec<Finding>,
}

/// The findings of a document, in order.
pub(crate) fn find(document: &Document<'_>) -> Findings {
    let mut findings = Findings::default();
    for sentence in &document.sentences {
        if sentence.words < 4 {
            continue;
        }
        let message = &document.messages[sentence.message];
        let tokens = document.tokens_of(sentence);
        if cues::asks_for_work(tokens, &message.text, sentence.end) {
            findings.actions.push(ActionItem {
                text: plain(document.text_of(sentence), TEXT),
                owner: None,
                due: None,
                status: ActionStatus::Open,
                evidence: vec![message.seq],
            });
        } else if sentence.end == End::Question && sentence.message + 1 == document.messages.len() {
            findings
                .questions
                .push(Finding { text: plain(document.text_of(sentence), TEXT), evidence: vec![message.seq] });
        }
    }
    findings
}
