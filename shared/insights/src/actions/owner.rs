//! Who an item belongs to: who takes it on, or who is named. Never a guess.

use crate::text::{Document, Kind, Sentence, plain};

/// The owner that the sentence itself gives.
pub(super) fn owner(document: &Document<'_>, sentence: &Sentence) -> Option<String> {
    let message = &document.messages[sentence.message];
    let words: Vec<&str> = document
        .tokens_of(sentence)
        .iter()
        .filter(|token| matches!(token.kind, Kind::Word | Kind::Mention))
        .take(30)
        .map(|token| token.text(&message.text))
        .collect();
    let is = |at: usize, options: &[&str]| {
        words.get(at).is_some_and(|word| options.iter().any(|option| word.eq_ignore_ascii_case(option)))
    };
    let speaker = || Some(plain(document.authors[message.author], 40));
    for at in 0..words.len() {
        let takes = is(at, &["i'll"])
            || is(at, &["i"]) && is(at + 1, &["will", "must"])
            || is(at, &["i"]) && is(at + 1, &["need", "have"]) && is(at + 2, &["to"])
            || is(at, &["i'm"]) && (is(at + 1, &["gonna"]) || is(at + 1, &["going"]) && is(at + 2, &["to"]))
            || is(at, &["ich"]) && is(at + 1, &["werde", "mache", "schicke"])
            || is(at, &["voy"]) && is(at + 1, &["a"])
            || is(at, &["je"]) && is(at + 1, &["vais"])
            || is(at, &["ik"]) && is(at + 1, &["zal", "ga"])
            || is(at, &["let"]) && is(at + 1, &["me"]) && !is(at + 2, &["know"]);
        if takes {
            return speaker();
        }
        let Some(named) = named(document, words[at]) else { continue };
        // "Ben will …", "Ben, can you …", "can you …, Ben": the name is who acts.
        let acts = is(
            at + 1,
            &[
                "will", "should", "must", "to", "needs", "has", "is", "please", "can", "could", "would", "you",
                "shall", "takes",
            ],
        );
        let called = at == 0 || at + 1 == words.len() || words[at].starts_with('@');
        if (acts || called && asks_you(&words)) && named != message.author {
            return Some(plain(document.authors[named], 40));
        }
        if acts && named == message.author && !is(at + 1, &["is"]) {
            return speaker();
        }
    }
    None
}

fn asks_you(words: &[&str]) -> bool {
    words.iter().any(|word| ["you", "please", "your"].iter().any(|option| word.eq_ignore_ascii_case(option)))
        || words.len() > 2
}

/// The author of this name or first name, where there is only one.
fn named(document: &Document<'_>, word: &str) -> Option<usize> {
    let name = word.strip_prefix('@').unwrap_or(word);
    if word.len() == name.len() && !name.starts_with(char::is_uppercase) {
        return None;
    }
    let first =
        |author: &str| author.split([' ', '_', '.', '-']).next().is_some_and(|first| first.eq_ignore_ascii_case(name));
    let mut same =
        document.authors.iter().enumerate().filter(|(_, author)| author.eq_ignore_ascii_case(name) || first(author));
    let (found, _) = same.next()?;
    same.next().is_none().then_some(found)
}
