//! Names heard in a conversation of two whose ids are not names (`user_17`): who is greeted or
//! called as Anna by the one is Anna when the other is told of.

use crate::{
    lexicon::Classes,
    text::{Author, Document, Kind, Token},
};

/// Whether an id says nothing: `user_17`, `Person1`, `u42`.
pub(crate) fn is_generic(id: &str) -> bool {
    id.ends_with(|sign: char| sign.is_ascii_digit()) && !id.contains(' ') && id.is_ascii()
}

/// The name heard for each author, where one was and the id is generic.
pub(crate) fn heard(document: &Document<'_>) -> Vec<Option<String>> {
    let mut names: Vec<Option<String>> = vec![None; document.authors.len()];
    if document.authors.len() != 2 || !document.authors.iter().all(|id| is_generic(id)) {
        return names;
    }
    for sentence in &document.sentences {
        let message = &document.messages[sentence.message];
        if let Some((name, own)) = named(document.tokens_of(sentence), &message.text) {
            let who: Author = if own { message.author } else { 1 - message.author };
            names[who].get_or_insert(name);
        }
    }
    if names[0] == names[1] {
        return vec![None, None];
    }
    names
}

/// The name in a sentence and whether it is the speaker's own.
fn named(tokens: &[Token], text: &str) -> Option<(String, bool)> {
    let word = |at: usize| tokens.get(at).filter(|token| token.kind == Kind::Word).map_or("", |token| token.text(text));
    let is = |at: usize, options: &[&str]| options.iter().any(|option| word(at).eq_ignore_ascii_case(option));
    let comma = |at: usize| {
        tokens.get(at).is_none_or(|token| token.kind == Kind::Mark && matches!(token.mark, ',' | '.' | '!' | '?'))
    };
    for at in 0..tokens.len() {
        let Some(length) = name_length(tokens, at, text) else { continue };
        let end = at + length;
        let own = at >= 2
            && is(at - 1, &["is"])
            && is(at - 2, &["name", "this"])
            && (is(at - 2, &["name"]) || is(end, &["speaking", "here", "from", "calling"]))
            || at >= 1 && is(at - 1, &["i'm"]) && comma(end) && at < 4;
        let greeted = at >= 1
            && (is(at - 1, &["hi", "hello", "hey", "morning", "afternoon", "evening", "dear", "thanks", "bye"])
                || comma(at - 1)
                    && is(
                        at.wrapping_sub(2),
                        &["hi", "hello", "hey", "morning", "yes", "no", "sure", "well", "ok", "okay", "thanks", "you"],
                    ))
            && comma(end);
        let called = at == 0 && tokens.get(end).is_some_and(|token| token.mark == ',')
            || at >= 2 && comma(at - 1) && tokens[at - 1].mark == ',' && comma(end) && end + 1 >= tokens.len();
        if own || greeted || called {
            let span = &text[tokens[at].start as usize..tokens[end - 1].end as usize];
            return Some((span.to_owned(), own));
        }
    }
    None
}

/// Tokens of the name that starts here: "Anna", "Mr. Zhang".
fn name_length(tokens: &[Token], at: usize, text: &str) -> Option<usize> {
    let token = &tokens[at];
    let word = token.text(text);
    if matches!(word, "Mr" | "Mrs" | "Ms" | "Miss" | "Dr") {
        let dot = usize::from(tokens.get(at + 1).is_some_and(|next| next.mark == '.'));
        let name = tokens.get(at + 1 + dot)?;
        return (name.kind == Kind::Word && capital(name.text(text))).then_some(2 + dot);
    }
    let common =
        token.is(Classes::STOP.with(Classes::CHAT).with(Classes::OPENER).with(Classes::GREETING)) || token.valence != 0;
    let plain = matches!(
        &*word.to_ascii_lowercase(),
        "dad"
            | "mom"
            | "mum"
            | "mother"
            | "father"
            | "doctor"
            | "professor"
            | "waiter"
            | "miss"
            | "nurse"
            | "officer"
            | "boss"
            | "america"
            | "china"
    );
    (token.kind == Kind::Word
        && capital(word)
        && word.len() > 2
        && !common
        && !plain
        && (token.rarity > 26 || super::render::is_proper(&word.to_ascii_lowercase())))
    .then_some(1)
}

fn capital(word: &str) -> bool {
    let mut signs = word.chars();
    signs.next().is_some_and(char::is_uppercase) && signs.all(char::is_lowercase)
}

/// The text with each id, as a word of its own, replaced by its name.
pub(crate) fn rename(text: &str, names: &[(String, String)]) -> String {
    let mut renamed = text.to_owned();
    for (id, name) in names {
        let mut out = String::with_capacity(renamed.len());
        let mut rest = &*renamed;
        while let Some(at) = rest.find(&**id) {
            let (head, tail) = rest.split_at(at);
            let after = &tail[id.len()..];
            let alone = !head.ends_with(|sign: char| sign.is_alphanumeric() || sign == '_')
                && !after.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_');
            out.push_str(head);
            out.push_str(if alone { name } else { id });
            rest = after;
        }
        out.push_str(rest);
        renamed = out;
    }
    renamed
}
