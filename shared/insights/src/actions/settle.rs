//! Which earlier task a word of completion speaks of.

use super::{ActionStatus, find::Task};
use crate::{
    summary::past_of,
    text::{Token, Tokens},
};

/// Messages back to which a bare "done" reaches.
const NEAR: u64 = 12;

/// The open task that the words settle: the one that shares most terms, or, for words that name
/// nothing, the newest near one that the speaker owns or asked for.
pub(super) fn settles(words: &str, by: &str, seq: u64, tasks: &[Task]) -> Option<usize> {
    let said: Vec<Token> = Tokens::of(words).collect();
    let stems: Vec<u64> = said.iter().filter(|token| token.is_content()).map(|token| token.stem(words)).collect();
    let lower = words.to_lowercase();
    let mut best: Option<(usize, usize)> = None;
    for (at, task) in tasks.iter().enumerate() {
        if task.item.status != ActionStatus::Open || task.item.evidence.first().is_none_or(|first| *first >= seq) {
            continue;
        }
        let text = &*task.item.text;
        let mut shared = 0;
        for token in Tokens::of(text) {
            let content = token.is_content() && stems.contains(&token.stem(text));
            let verb = token.hash != 0 && token.end - token.start > 2 && {
                let past = past_of(&token.text(text).to_lowercase());
                lower.split(|sign: char| !sign.is_alphanumeric()).any(|word| word == past)
            };
            shared += usize::from(content) + usize::from(verb && !content);
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
    tasks
        .iter()
        .rposition(|task| near(task) && task.item.owner.as_deref().unwrap_or(&task.by) == by)
        .or_else(|| tasks.iter().rposition(|task| near(task) && (task.by == by || task.item.owner.is_none())))
}
