//! English verb forms, as far as telling in the third person needs them.

use std::{collections::HashMap, sync::LazyLock};

/// What a lowercase word is to a verb phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A base form that takes an s: "go", "need".
    Base,
    /// A form that all persons share: past tenses and modals.
    Shared,
    /// An adverb that stands between subject and verb.
    Adverb,
}

struct Verbs {
    forms: HashMap<&'static str, Form>,
    pasts: HashMap<&'static str, &'static str>,
    persons: Vec<&'static str>,
}

static VERBS: LazyLock<Verbs> = LazyLock::new(build);

fn build() -> Verbs {
    let mut verbs = Verbs { forms: HashMap::new(), pasts: HashMap::new(), persons: Vec::new() };
    let rows = include_str!("../../../data/verbs.tsv").lines().filter_map(|line| line.split_once('\t'));
    for (class, words) in rows {
        for word in words.split(' ') {
            match (class, word.split_once(':')) {
                ("irregular", Some((base, past))) => {
                    verbs.forms.insert(base, Form::Base);
                    verbs.forms.entry(past).or_insert(Form::Shared);
                    verbs.pasts.insert(base, past);
                }
                ("unchanged", _) => {
                    verbs.forms.insert(word, Form::Base);
                    verbs.pasts.insert(word, word);
                }
                ("base", _) => {
                    verbs.forms.insert(word, Form::Base);
                }
                ("modal", _) => {
                    verbs.forms.insert(word, Form::Shared);
                }
                ("adverb", _) => {
                    verbs.forms.insert(word, Form::Adverb);
                }
                ("person", _) => verbs.persons.push(word),
                _ => {}
            }
        }
    }
    verbs.persons.sort_unstable();
    verbs
}

/// The form of a word that follows a subject.
pub(super) fn form(word: &str) -> Form {
    if let Some(form) = VERBS.forms.get(word) {
        return *form;
    }
    if word.ends_with("ly") {
        return Form::Adverb;
    }
    if word.ends_with("ed") && word.len() > 4 && !word.ends_with("eed") {
        return Form::Shared;
    }
    Form::Base
}

/// Whether the word is known as a verb's base form.
pub(crate) fn is_base(word: &str) -> bool {
    VERBS.forms.get(word) == Some(&Form::Base)
}

/// Whether the word is written with a capital anywhere in a sentence.
pub(crate) fn is_proper(word: &str) -> bool {
    VERBS.persons.binary_search(&word).is_ok()
}

/// Third person singular of a verb form that the first and second person use.
pub(super) fn third(word: &str) -> String {
    let fixed = match word {
        "am" | "are" | "'re" => "is",
        "have" | "'ve" => "has",
        "do" => "does",
        "don't" | "dont" => "doesn't",
        "haven't" => "hasn't",
        "aren't" | "ain't" => "isn't",
        "were" => "was",
        "weren't" => "wasn't",
        "go" => "goes",
        "gotta" => "has to",
        "gonna" => "is going to",
        "wanna" => "wants to",
        _ => "",
    };
    if !fixed.is_empty() {
        return fixed.to_owned();
    }
    if form(word) != Form::Base || word.len() < 2 || !word.is_ascii() || word.contains('\'') {
        return word.to_owned();
    }
    if word.ends_with('y') && !ends_in_vowel_and(word) {
        return format!("{}ies", &word[..word.len() - 1]);
    }
    let hissing = ["s", "x", "z", "ch", "sh"].iter().any(|ending| word.ends_with(ending));
    format!("{word}{}", if hissing { "es" } else { "s" })
}

/// Simple past of a base form.
pub(crate) fn past(word: &str) -> String {
    if let Some(past) = VERBS.pasts.get(word) {
        return (*past).to_owned();
    }
    if word.ends_with('e') {
        return format!("{word}d");
    }
    if word.ends_with('y') && !ends_in_vowel_and(word) && word.is_ascii() {
        return format!("{}ied", &word[..word.len() - 1]);
    }
    let bytes = word.as_bytes();
    let short = word.len() <= 4
        && matches!(bytes, [.., before, middle, last] if !b"aeiou".contains(before) && b"aeiou".contains(middle) && b"bdgmnprt".contains(last));
    if short && word != "open" {
        return format!("{word}{}ed", &word[word.len() - 1..]);
    }
    format!("{word}ed")
}

fn ends_in_vowel_and(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() > 1 && b"aeiou".contains(&bytes[bytes.len() - 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_english() {
        for (base, expected) in [
            ("need", "needs"),
            ("try", "tries"),
            ("watch", "watches"),
            ("play", "plays"),
            ("went", "went"),
            ("could", "could"),
            ("don't", "doesn't"),
            ("decided", "decided"),
        ] {
            assert_eq!(third(base), expected);
        }
        for (base, expected) in
            [("go", "went"), ("stop", "stopped"), ("try", "tried"), ("use", "used"), ("open", "opened"), ("put", "put")]
        {
            assert_eq!(past(base), expected);
        }
    }
}
