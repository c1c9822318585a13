//! Cheap cue tests on a message's tokens.

use crate::{
    lexicon::Classes,
    text::{End, Kind, Token},
};

/// Whether a message with these tokens asks something.
pub(crate) fn asks(tokens: &[Token], text: &str) -> bool {
    let mut marked = false;
    for token in tokens {
        marked |= matches!(token.mark, '?' | '？' | '؟');
    }
    marked || opens_question(tokens, text)
}

/// "who knows where …": a question word first, then a verb of a question.
fn opens_question(tokens: &[Token], text: &str) -> bool {
    let mut words = tokens.iter().filter(|token| token.kind == Kind::Word).map(|token| token.text(text));
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    let asks =
        ["what", "where", "when", "who", "why", "how", "which"].iter().any(|word| first.eq_ignore_ascii_case(word));
    asks && ["is", "are", "do", "does", "did", "can", "should", "will", "would", "was", "were"]
        .iter()
        .any(|word| second.eq_ignore_ascii_case(word))
}

/// Whether a sentence gives someone work: a commitment, a request, an obligation.
pub(crate) fn asks_for_work(tokens: &[Token], text: &str, end: End) -> bool {
    let words: Vec<&Token> = tokens.iter().filter(|token| token.kind == Kind::Word).take(24).collect();
    let skipped = words.iter().take_while(|token| token.is(Classes::OPENER)).count().min(words.len().saturating_sub(1));
    let has = |at: usize, options: &[&str]| {
        words.get(at).is_some_and(|token| options.iter().any(|option| token.text(text).eq_ignore_ascii_case(option)))
    };
    for at in skipped..words.len() {
        if has(at, &["i'll", "we'll"]) || has(at, &["i", "we"]) && has(at + 1, &["will", "can", "must"]) {
            return true;
        }
        if has(at, &["can", "could", "would", "will"])
            && has(at + 1, &["you", "someone", "somebody"])
            && end == End::Question
        {
            return true;
        }
        if has(at, &["need", "needs", "have", "has", "going"]) && has(at + 1, &["to"]) || has(at, &["please", "gonna"])
        {
            return true;
        }
        if has(at, &["let"]) && has(at + 1, &["me", "us"]) && has(at + 2, &["know"]) {
            return true;
        }
    }
    false
}
