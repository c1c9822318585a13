//! First and second person to third, with agreement.

use super::{
    verbs::{Form, form, is_base, is_proper, third},
    words::Word,
};
use crate::{lexicon::Classes, text::Kind};

/// Who speaks and, where that is certain, to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roles<'n> {
    pub(super) speaker: &'n str,
    pub(super) addressee: Option<&'n str>,
}

/// Text that grows word by word.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) text: String,
}

impl Line {
    pub(super) fn put(&mut self, word: &str) {
        if !self.text.is_empty() && !self.text.ends_with(['(', '"', '“', '$', '€', '#']) {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }

    fn glue(&mut self, word: &str) {
        self.text.push_str(word);
    }
}

/// Writes the words with persons changed. `first` says that they open a clause of ours, so that a
/// capital of theirs is not kept.
pub(super) fn retell(line: &mut Line, words: &[Word<'_>], roles: Roles<'_>) {
    let mut agree = false;
    // The verb before agreed with a name, so that one joined to it does too.
    let mut agreed = false;
    for (at, word) in words.iter().enumerate() {
        if word.kind != Kind::Word {
            agreed = agreed && !word.is_mark();
            if word.spaced || at == 0 {
                line.put(word.text);
            } else {
                line.glue(word.text);
            }
            agree = agree && word.kind != Kind::Mark;
            continue;
        }
        if !word.spaced
            && at > 0
            && words[at - 1].is_mark()
            && !matches!(words[at - 1].text, "," | "." | ";" | "!" | "?" | ":" | "…")
        {
            line.glue(word.text);
            continue;
        }
        if agree {
            agree = agreeing(line, word);
            agreed = !agree && form(&word.lower) == Form::Base;
            continue;
        }
        if agreed && joined_verb(words, at) {
            line.put(&third(&word.lower));
            continue;
        }
        agree = person(line, words, at, roles);
        agreed = agreed && !agree && !word.is(&["to", "that", "they", "he", "she", "it", "you"]) && !word.is(&INVERTS);
    }
}

/// "… and launch the app": a base form after "and", before what only a verb takes.
fn joined_verb(words: &[Word<'_>], at: usize) -> bool {
    at > 0
        && words[at - 1].is(&["and"])
        && is_base(&words[at].lower)
        && words.get(at + 1).is_some_and(|next| {
            next.kind == Kind::Number
                || next.is(&[
                    "the", "a", "an", "my", "our", "your", "his", "her", "their", "it", "them", "me", "us", "him",
                    "this", "these", "those", "two", "three", "some", "all", "every", "to",
                ])
        })
}

/// Writes a verb after a name; whether the verb is still to come.
fn agreeing(line: &mut Line, word: &Word<'_>) -> bool {
    match form(&word.lower) {
        Form::Adverb => {
            line.put(&word.lower);
            true
        }
        Form::Shared => {
            line.put(&word.lower);
            false
        }
        Form::Base
            if word.classes.any(Classes::STOP_EN)
                && !is_base(&word.lower)
                && third(&word.lower).ends_with(&format!("{}s", word.lower)) =>
        {
            line.put(&word.lower);
            false
        }
        Form::Base => {
            line.put(&third(&word.lower));
            false
        }
    }
}

/// Writes a word that may name a person; whether a verb that must agree comes next.
fn person(line: &mut Line, words: &[Word<'_>], at: usize, roles: Roles<'_>) -> bool {
    let word = &words[at];
    let Roles { speaker, addressee } = roles;
    match &*word.lower {
        "i" => {
            let again =
                at > 1 && words[at - 1].is(&["but", "and"]) && words[0].is(&["i", "i'm", "i've", "i'll", "i'd"]);
            if !again {
                line.put(speaker);
            }
            let inverted = at > 0 && words[at - 1].is(&INVERTS);
            return !inverted && !joined_before(words, at);
        }
        "i'm" | "im" => put2(line, speaker, "is"),
        "i've" => put2(line, speaker, "has"),
        "i'll" => put2(line, speaker, "will"),
        "i'd" => put2(
            line,
            speaker,
            if words.get(at + 1).is_some_and(|next| next.is(&["better"])) { "had" } else { "would" },
        ),
        "me" => line.put(speaker),
        "my" | "mine" => line.put(&format!("{speaker}'s")),
        "myself" | "yourself" | "yourselves" | "ourselves" => line.put("themselves"),
        "we" if addressee.is_none() => {
            line.put("the group");
            return !(at > 0 && words[at - 1].is(&INVERTS));
        }
        "we" => line.put("they"),
        "we're" if addressee.is_none() => put2(line, "the group", "is"),
        "we've" if addressee.is_none() => put2(line, "the group", "has"),
        "we'll" if addressee.is_none() => put2(line, "the group", "will"),
        "we're" => put2(line, "they", "are"),
        "we've" => put2(line, "they", "have"),
        "we'll" => put2(line, "they", "will"),
        "we'd" => put2(line, "they", "would"),
        "us" => line.put("them"),
        "our" => line.put("their"),
        "ours" => line.put("theirs"),
        "let's" => put2(line, "they", "should"),
        "gonna" => put2(line, "going", "to"),
        "wanna" => put2(line, "want", "to"),
        "gotta" => put2(line, "got", "to"),
        "you" if addressee.is_some() => {
            let before = at.checked_sub(1).map(|before| &words[before]);
            line.put(addressee.unwrap_or_default());
            let object = before.is_some_and(|before| !takes_clause(before));
            let next = words.get(at + 1);
            let verb = next.is_some_and(|next| {
                next.kind == Kind::Word
                    && (is_base(&next.lower)
                        || form(&next.lower) != Form::Base
                        || next.is(&["are", "have", "do", "am", "were", "don't", "haven't", "aren't", "weren't"]))
            });
            return verb && !object;
        }
        "you're" if addressee.is_some() => put2(line, addressee.unwrap_or_default(), "is"),
        "you've" if addressee.is_some() => put2(line, addressee.unwrap_or_default(), "has"),
        "you'll" if addressee.is_some() => put2(line, addressee.unwrap_or_default(), "will"),
        "you'd" if addressee.is_some() => put2(line, addressee.unwrap_or_default(), "would"),
        "your" | "yours" if addressee.is_some() => line.put(&format!("{}'s", addressee.unwrap_or_default())),
        _ => line.put(if at == 0 { opening(word) } else { word.text }),
    }
    false
}

/// The first word of a clause, without the capital that it had as the first word of a sentence.
fn opening<'w>(word: &'w Word<'_>) -> &'w str {
    let capitals = word.text.chars().filter(|sign| sign.is_uppercase()).count();
    let common = word.classes.any(Classes::STOP_EN.with(Classes::CHAT))
        || is_base(&word.lower)
        || ["ing", "ly", "ed"].iter().any(|ending| word.lower.ends_with(ending));
    if capitals == 1 && common && !is_proper(&word.lower) { &word.lower } else { word.text }
}

fn put2(line: &mut Line, one: &str, other: &str) {
    line.put(one);
    line.put(other);
}

/// Auxiliaries that stand before their subject.
const INVERTS: [&str; 16] = [
    "do", "does", "did", "can", "could", "will", "would", "shall", "should", "may", "might", "must", "don't", "didn't",
    "can't", "won't",
];

/// Whether "you" after this word begins a clause: "I think you are", but not "call you back".
fn takes_clause(before: &Word<'_>) -> bool {
    if before.is(&[
        "think", "know", "hope", "guess", "say", "said", "says", "believe", "wish", "suppose", "mean", "bet", "sure",
        "feel", "heard", "glad", "afraid", "sorry", "thought", "knew", "imagine", "see",
    ]) {
        return true;
    }
    if before.is(&INVERTS)
        || before.is(&[
            "to", "for", "with", "of", "at", "from", "about", "on", "than", "by", "like", "behind", "near", "let",
            "and",
        ])
    {
        return false;
    }
    before.kind != Kind::Word
        || before.classes.any(Classes::STOP_EN)
        || !(is_base(&before.lower) || form(&before.lower) == Form::Shared || before.lower.ends_with("ing"))
}

/// "My wife and I have": the verb keeps its plural.
fn joined_before(words: &[Word<'_>], at: usize) -> bool {
    (2..=3).contains(&at) && words[at - 1].is(&["and"])
}
