//! What is said to everyone, about nothing.

use crate::text::{Kind, Token};

/// "How are you", "can I help you", "nice to meet you": said to everyone, about nothing.
pub(super) fn is_pleasantry(tokens: &[Token], text: &str) -> bool {
    const SAID: [&[&str]; 26] = [
        &["how", "are", "you"],
        &["how", "do", "you", "do"],
        &["help", "you"],
        &["do", "for", "you"],
        &["nice", "to", "meet", "you"],
        &["nice", "to", "see", "you"],
        &["good", "to", "see", "you"],
        &["pleased", "to", "meet"],
        &["see", "you"],
        &["have", "a", "seat"],
        &["come", "in"],
        &["sit", "down"],
        &["here", "you", "are"],
        &["here", "it", "is"],
        &["thank", "you"],
        &["thanks", "a", "lot"],
        &["you're", "welcome"],
        &["you", "are", "welcome"],
        &["have", "a", "good"],
        &["have", "a", "nice"],
        &["take", "care"],
        &["what's", "up"],
        &["how's", "it", "going"],
        &["long", "time", "no", "see"],
        &["excuse", "me"],
        &["you", "are", "right"],
    ];
    let words: Vec<&str> =
        tokens.iter().filter(|token| token.kind == Kind::Word).map(|token| token.text(text)).collect();
    SAID.iter().any(|said| {
        words
            .windows(said.len())
            .any(|window| window.iter().zip(said.iter()).all(|(word, part)| word.eq_ignore_ascii_case(part)))
    })
}
