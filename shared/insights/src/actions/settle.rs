//! Which earlier task a word of completion speaks of.

use super::{ActionStatus, find::Task};
use crate::{
    summary::past_of,
    text::{Token, Tokens},
};

/// Tasks that are looked at, the newest: more would make long stretches cost more than their length.
const REACH: usize = 48;
/// Messages back to which a bare "done" reaches.
const NEAR: u64 = 12;

/// The open task that the words settle: the one that shares most terms, or, for words that name
/// nothing, the newest near one that the speaker owns or asked for.
pub(super) fn settles(words: &str, by: &str, seq: u64, tasks: &[Task]) -> Option<usize> {
    let tokens: Vec<Token> = Tokens::of(words).collect();
    let stems: Vec<u64> = tokens.iter().filter(|token| token.is_content()).map(|token| token.stem(words)).collect();
    let lower = words.to_lowercase();
    let mut best: Option<(usize, usize)> = None;
    let said: Vec<&str> = lower.split(|sign: char| !sign.is_alphanumeric()).filter(|word| word.len() > 2).collect();
    for (at, task) in tasks.iter().enumerate().skip(tasks.len().saturating_sub(REACH)) {
        if task.item.status != ActionStatus::Open || task.item.evidence.first().is_none_or(|first| *first >= seq) {
            continue;
        }
        let text = &*task.item.text;
        let mut shared = 0;
        for token in Tokens::of(text) {
            let content = token.is_content() && stems.contains(&token.stem(text));
            let verb = !content && token.hash != 0 && token.end - token.start > 2 && is_past(&said, token.text(text));
            shared += usize::from(content) + usize::from(verb);
        }
        if shared > 0 && best.is_none_or(|(most, _)| shared >= most) {
            best = Some((shared, at));
        }
    }
    if let Some((_, at)) = best {
        return Some(at);
    }
    if stems.len() > 1 {
        return None;
    }
    let near = |task: &Task| {
        task.item.status == ActionStatus::Open
            && task.item.evidence.last().is_some_and(|last| *last < seq && seq - last <= NEAR)
    };
    let newest = || (tasks.len().saturating_sub(REACH)..tasks.len()).rev().filter(|at| near(&tasks[*at]));
    newest()
        .find(|at| tasks[*at].item.owner.as_deref().unwrap_or(&tasks[*at].by) == by)
        .or_else(|| newest().find(|at| tasks[*at].by == by || tasks[*at].item.owner.is_none()))
}

/// Whether the past of this word was said: "sent" of "Send". All verbs but "go" and "be" keep their first letter.
fn is_past(said: &[&str], word: &str) -> bool {
    let first = word.as_bytes().first().map_or(0, u8::to_ascii_lowercase);
    said.iter().any(|said| said.as_bytes().first() == Some(&first) && *said == past_of(&word.to_lowercase()))
}
