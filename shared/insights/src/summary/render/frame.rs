//! What a sentence does (asks, requests, suggests, commits, states) and the words that tell it.

use super::{
    retell::{Line, Roles, retell},
    verbs::{Form, form, is_base, past, third},
    words::{Prepared, Word},
};
use crate::{
    lexicon::Classes,
    text::{End, Kind},
};

const AUXILIARIES: [&str; 38] = [
    "am",
    "is",
    "are",
    "was",
    "were",
    "do",
    "does",
    "did",
    "have",
    "has",
    "had",
    "can",
    "could",
    "will",
    "would",
    "shall",
    "should",
    "may",
    "might",
    "must",
    "isn't",
    "aren't",
    "wasn't",
    "weren't",
    "don't",
    "doesn't",
    "didn't",
    "haven't",
    "hasn't",
    "hadn't",
    "can't",
    "couldn't",
    "won't",
    "wouldn't",
    "shouldn't",
    "what's",
    "where's",
    "how's",
];
const SUBJECTS: [&str; 21] = [
    "i",
    "you",
    "we",
    "he",
    "she",
    "it",
    "they",
    "there",
    "anyone",
    "anybody",
    "someone",
    "somebody",
    "everyone",
    "everybody",
    "everything",
    "anything",
    "something",
    "y'all",
    "this",
    "that",
    "these",
];

/// The sentence as told, or none where telling it would guess.
pub(super) fn tell(prepared: &Prepared<'_>, roles: Roles<'_>) -> Option<String> {
    let words = &prepared.words[..];
    words.first()?;
    let mut line = Line::default();
    let told = if prepared.end == End::Question {
        question(&mut line, words, roles)
    } else {
        statement(&mut line, prepared, roles)
    };
    told.then_some(line.text)
}

pub(super) fn is_at(words: &[Word<'_>], at: usize, options: &[&str]) -> bool {
    words.get(at).is_some_and(|word| word.is(options))
}

fn question(line: &mut Line, words: &[Word<'_>], roles: Roles<'_>) -> bool {
    let speaker = roles.speaker;
    if is_at(words, 0, &["how", "what"]) && is_at(words, 1, &["about"]) {
        return suggest(line, &words[2..], roles, "");
    }
    if is_at(words, 0, &["what"])
        && is_at(words, 1, &["do"])
        && is_at(words, 2, &["you"])
        && is_at(words, 3, &["say"])
        && is_at(words, 4, &["we"])
    {
        return suggest(line, &words[4..], roles, "");
    }
    if is_at(words, 0, &["why"]) && is_at(words, 1, &["don't"]) && is_at(words, 2, &["we", "you"]) {
        return suggest(line, &words[2..], roles, "");
    }
    if is_at(words, 0, &["shall"]) && is_at(words, 1, &["we"]) {
        return suggest(line, &words[1..], roles, "");
    }
    if is_at(words, 0, &["let's"]) {
        return suggest(line, &words[1..], roles, "they");
    }
    if is_at(words, 0, &["can", "could", "will", "would"]) && is_at(words, 1, &["you"]) {
        let mut verb = 2;
        while is_at(words, verb, &["please", "just", "also", "possibly", "maybe", "kindly"]) {
            verb += 1;
        }
        let wish = is_at(words, verb, &["like", "mind", "prefer", "be", "rather", "say", "have", "want"]);
        let verbal =
            |word: &Word<'_>| is_base(&word.lower) || word.kind == Kind::Word && !word.classes.any(Classes::STOP_EN);
        if !wish && words.get(verb).is_some_and(verbal) {
            return request(line, &words[verb..], roles, "asks", "");
        }
    }
    if is_at(words, 0, &["can", "could", "may"])
        && is_at(words, 1, &["i"])
        && words.get(2).is_some_and(|word| is_base(&word.lower))
    {
        line.put(speaker);
        line.put("asks to");
        retell(line, &words[2..], roles);
        return true;
    }
    let asked = words.iter().take(6).position(|word| word.is(&AUXILIARIES));
    let opens = is_at(
        words,
        0,
        &[
            "what", "where", "when", "why", "how", "who", "which", "whose", "what's", "where's", "how's", "who's",
            "when's",
        ],
    );
    match asked {
        Some(0) if !opens => whether(line, words, roles),
        Some(at) if opens => wondered(line, words, at, roles),
        None if opens && words.len() > 2 => {
            line.put(speaker);
            line.put("asks");
            retell(line, words, roles);
            true
        }
        _ => declared(line, words, roles),
    }
}

/// "You are going?": order of a statement, tone of a question.
fn declared(line: &mut Line, words: &[Word<'_>], roles: Roles<'_>) -> bool {
    let clause = words.len() > 3
        && words.iter().take(4).any(|word| {
            word.is(&SUBJECTS)
                || word
                    .is(&["you're", "you've", "i'm", "we're", "it's", "that's", "there's", "they're", "you'll", "i'll"])
        });
    // "I like it, but who pays?" states before it asks.
    if !clause || own(words) {
        return false;
    }
    line.put(roles.speaker);
    line.put("asks whether");
    retell(line, words, roles);
    true
}

/// "Do you like it?": asks whether Ben likes it.
fn whether(line: &mut Line, words: &[Word<'_>], roles: Roles<'_>) -> bool {
    if is_at(words, 1, &["the", "my", "your", "our", "this"])
        && is_at(words, 0, &["can", "could", "will", "would", "should"])
    {
        return whether_modal(line, words, roles);
    }
    if !is_at(words, 1, &SUBJECTS) || unsure_subject(words, 1) {
        return false;
    }
    line.put(roles.speaker);
    line.put("asks whether");
    invert(line, &words[0], &words[1..], roles);
    true
}

/// "Can the release move?": after a modal the next base form is the verb.
fn whether_modal(line: &mut Line, words: &[Word<'_>], roles: Roles<'_>) -> bool {
    let Some(verb) = (3..words.len().min(7)).find(|at| is_base(&words[*at].lower)) else { return false };
    line.put(roles.speaker);
    line.put("asks whether");
    retell(line, &words[1..verb], roles);
    line.put(&words[0].lower);
    retell(line, &words[verb..], roles);
    true
}

/// "this book", "that one": the subject goes on.
fn unsure_subject(words: &[Word<'_>], at: usize) -> bool {
    is_at(words, at, &["this", "that", "these"])
        && !words.get(at + 1).is_some_and(|next| {
            next.is(&[
                "a", "the", "your", "my", "an", "really", "so", "too", "true", "right", "possible", "okay", "ok",
                "all", "what", "how", "why", "your", "for", "in", "on",
            ])
        })
}

/// "What time do you want to go?": asks what time Ben wants to go.
fn wondered(line: &mut Line, words: &[Word<'_>], at: usize, roles: Roles<'_>) -> bool {
    line.put(roles.speaker);
    line.put("asks");
    let subject = at + 1;
    if is_at(words, subject, &SUBJECTS) && !unsure_subject(words, subject) {
        for word in &words[..at] {
            line.put(&word.lower);
        }
        invert(line, &words[at], &words[subject..], roles);
        return true;
    }
    // "Where is the station?": a short noun phrase after "be" goes before it.
    let rest = &words[subject.min(words.len())..];
    let short = !rest.is_empty()
        && rest.len() <= 4
        && is_at(rest, 0, &["the", "your", "my", "our", "their", "his", "her", "a"])
        && rest.iter().all(|word| {
            word.kind == Kind::Word && !word.is(&["of", "in", "for", "on", "like", "to", "with", "at", "today", "now"])
        });
    if short && is_at(words, at, &["is", "are", "was", "were"]) {
        for word in &words[..at] {
            line.put(&word.lower);
        }
        retell(line, rest, roles);
        line.put(&words[at].lower);
        return true;
    }
    retell(line, words, roles);
    true
}

/// Auxiliary and clause that begins with its subject, in the order of a statement.
fn invert(line: &mut Line, auxiliary: &Word<'_>, clause: &[Word<'_>], roles: Roles<'_>) {
    let (subject, rest) = clause.split_at(1);
    let named = match &*subject[0].lower {
        "i" => Some(roles.speaker),
        "you" => roles.addressee,
        _ => None,
    };
    let group = subject[0].is(&["we"]) && roles.addressee.is_none();
    let plural = named.is_none() && !group && subject[0].is(&["you", "we", "they", "these", "i"]);
    retell(line, subject, roles);
    let skip = rest.iter().take_while(|word| form(&word.lower) == Form::Adverb && word.kind == Kind::Word).count();
    match &*auxiliary.lower {
        "do" | "does" | "did" if rest.get(skip).is_some_and(|word| word.kind == Kind::Word && is_base(&word.lower)) => {
            for adverb in &rest[..skip] {
                line.put(&adverb.lower);
            }
            let verb = &*rest[skip].lower;
            match (&*auxiliary.lower, plural) {
                ("did", _) => line.put(&past(verb)),
                (_, true) => line.put(verb),
                _ => line.put(&third(verb)),
            }
            retell(line, &rest[skip + 1..], roles);
            return;
        }
        word if named.is_some() || group => line.put(&third(word)),
        word => line.put(word),
    }
    retell(line, rest, roles);
}

/// "Let's X": suggests they X.
fn suggest(line: &mut Line, words: &[Word<'_>], roles: Roles<'_>, subject: &str) -> bool {
    if words.is_empty() {
        return false;
    }
    line.put(roles.speaker);
    line.put("suggests");
    if !subject.is_empty() {
        line.put(subject);
    }
    if is_at(words, 0, &["you", "we"]) {
        line.put(if is_at(words, 0, &["we"]) { "they" } else { roles.addressee.unwrap_or("you") });
        retell(line, &words[1..], roles);
    } else {
        retell(line, words, roles);
    }
    true
}

/// "Can you X?", "please X": asks Ben to X.
fn request(line: &mut Line, words: &[Word<'_>], roles: Roles<'_>, verb: &str, not: &str) -> bool {
    let Some(addressee) = roles.addressee else { return false };
    line.put(roles.speaker);
    line.put(verb);
    line.put(addressee);
    if !not.is_empty() {
        line.put(not);
    }
    line.put("to");
    retell(line, words, roles);
    true
}

fn statement(line: &mut Line, prepared: &Prepared<'_>, roles: Roles<'_>) -> bool {
    let words = &prepared.words[..];
    let speaker = roles.speaker;
    if is_at(words, 0, &["let's", "lets"]) && words.len() > 1 {
        return suggest(line, &words[1..], roles, "they");
    }
    if is_at(words, 0, &["thank"]) && is_at(words, 1, &["you"]) {
        line.put(speaker);
        line.put("thanks");
        line.put(roles.addressee.unwrap_or("the others"));
        retell(line, &words[2..], roles);
        return true;
    }
    // "Yes, if the tests are green": the yes is the main clause.
    if prepared.agrees
        && is_at(words, 0, &["if", "when", "once", "unless", "until", "provided"])
        && !words.iter().any(|word| word.text == ",")
    {
        line.put(speaker);
        line.put("agrees");
        retell(line, words, roles);
        return true;
    }
    if imperative(prepared) {
        if is_at(words, 0, &["don't"]) {
            return request(line, &words[1..], roles, "tells", "not") || said(line, words, roles);
        }
        return request(line, words, roles, if prepared.please { "asks" } else { "tells" }, "")
            || said(line, words, roles);
    }
    if is_at(words, 0, &["you"])
        && is_at(words, 1, &["should"])
        && words.len() > 2
        && roles.addressee.is_some()
        && form(&words[2].lower) == Form::Base
    {
        return request(line, &words[2..], roles, "advises", "");
    }
    if is_at(words, 0, &["you"])
        && is_at(words, 1, &["need", "have"])
        && is_at(words, 2, &["to"])
        && words.len() > 3
        && roles.addressee.is_some()
    {
        return request(line, &words[3..], roles, "tells", "");
    }
    if own(words) {
        retell(line, words, roles);
        return true;
    }
    said(line, words, roles)
}

fn said(line: &mut Line, words: &[Word<'_>], roles: Roles<'_>) -> bool {
    line.put(roles.speaker);
    line.put("says");
    retell(line, words, roles);
    true
}

/// Whether the speaker is the subject of the main clause: no "says" is needed then.
fn own(words: &[Word<'_>]) -> bool {
    const I: [&str; 6] = ["i", "i'm", "i've", "i'll", "i'd", "im"];
    is_at(words, 0, &I)
}

/// "Send me the file", "please wait": begins with a base form that is not a noun here.
fn imperative(prepared: &Prepared<'_>) -> bool {
    let words = &prepared.words[..];
    let at = usize::from(is_at(words, 0, &["don't"]));
    let Some(verb) = words.get(at) else { return false };
    if !is_base(&verb.lower) || words.len() < 2 {
        return false;
    }
    if prepared.please || at == 1 {
        return true;
    }
    words.get(at + 1).is_some_and(|next| {
        next.kind == Kind::Number
            || next.is(&[
                "the", "a", "an", "me", "us", "it", "him", "her", "them", "this", "that", "these", "those", "your",
                "my", "our", "his", "their", "to", "in", "on", "at", "up", "out", "off", "down", "back", "with", "by",
                "into", "over", "about", "here", "there", "some", "any", "all", "more", "sure", "for", "ahead", "away",
                "around", "as", "one", "every", "each", "yourself", "straight", "along", "past", "through",
            ])
    })
}
