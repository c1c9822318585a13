//! A task in its own words: without the ones that ask for it or take it on.

use super::{frame::is_at, verbs::is_base, words::Word};

/// The words of a task without the ones that ask for it or take it on.
pub(super) fn task<'w, 't>(words: &'w [Word<'t>]) -> &'w [Word<'t>] {
    const HEADS: [&[&str]; 32] = [
        &["i'll"],
        &["i", "will"],
        &["i'm", "going", "to"],
        &["i'm", "gonna"],
        &["i", "am", "going", "to"],
        &["i", "need", "to"],
        &["i", "have", "to"],
        &["i", "can"],
        &["let", "me"],
        &["can", "you"],
        &["could", "you"],
        &["would", "you"],
        &["will", "you"],
        &["can", "someone"],
        &["can", "somebody"],
        &["can", "anyone"],
        &["can", "anybody"],
        &["could", "someone"],
        &["could", "somebody"],
        &["could", "anyone"],
        &["could", "anybody"],
        &["you", "need", "to"],
        &["you", "have", "to"],
        &["you", "should"],
        &["we", "need", "to"],
        &["we", "have", "to"],
        &["we", "should"],
        &["we'll"],
        &["we", "will"],
        &["please"],
        &["let's"],
        &["i", "must"],
    ];
    // "It is urgent, so please check it": the request is what follows.
    let asked = words
        .iter()
        .position(|word| word.is(&["please"]))
        .filter(|at| words.get(at + 1).is_some_and(|next| is_base(&next.lower)));
    let words = &words[asked.unwrap_or(0)..];
    // "Sounds good, then I'll do it": so is what is taken on.
    let taken = words.iter().take(9).position(|word| word.is(&["i'll"])).filter(|at| at + 2 < words.len());
    let words = &words[taken.unwrap_or(0)..];
    let mut from = 0;
    if let Some(head) = HEADS.iter().find(|head| head.iter().enumerate().all(|(at, part)| is_at(words, at, &[part]))) {
        from = head.len();
        while is_at(words, from, &["please", "just", "also", "then", "probably", "maybe", "definitely"]) {
            from += 1;
        }
    }
    // "Let me know" is asked of the other, and a bare head says nothing.
    let keeps = is_at(words, from, &["know", "be"]) || from >= words.len();
    &words[if keeps { 0 } else { from }..]
}
