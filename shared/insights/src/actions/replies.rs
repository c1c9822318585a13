//! What a message is to the ones before it: an answer, a consent, word that something is done.

use super::cues::{READ, Words};
use crate::text::{Document, End, Token};

/// Takes back what was asked.
const DROPS: &[&[&str]] = &[
    &["never", "mind"],
    &["nevermind"],
    &["forget", "it"],
    &["forget", "about"],
    &["forget", "that"],
    &["no", "need"],
    &["don't", "bother"],
    &["scratch", "that"],
    &["cancel", "that"],
    &["not", "needed"],
    &["no", "longer", "need"],
    &["no", "longer", "needed"],
];
/// Says that it is not done yet.
const WAITS: &[&[&str]] = &[
    &["when"],
    &["once"],
    &["if"],
    &["until"],
    &["after"],
    &["not"],
    &["isn't"],
    &["haven't"],
    &["hasn't"],
    &["before"],
    &["by"],
    &["should"],
    &["will"],
    &["i'll"],
    &["to", "be", "done"],
    &["can"],
    &["need"],
];

/// Words in "-ed" that tell how someone or something is, not what was done.
const STATES: &[&str] = &[
    "agreed",
    "decided",
    "indeed",
    "interested",
    "excited",
    "worried",
    "confused",
    "surprised",
    "relieved",
    "impressed",
    "pleased",
    "delighted",
    "concerned",
    "disappointed",
    "tired",
    "bored",
    "scared",
    "embarrassed",
    "amused",
    "needed",
    "expected",
    "supposed",
    "related",
    "required",
    "wanted",
    "hoped",
    "wished",
    "liked",
    "loved",
    "hated",
    "seemed",
    "looked",
    "sounded",
    "exceed",
    "proceed",
    "succeed",
];

/// What a sentence says of earlier work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    Done,
    Dropped,
}

/// "Sent it", "never mind": whether the sentence closes earlier work.
pub(super) fn closing(tokens: &[Token], text: &str, end: End) -> Option<Closing> {
    if end == End::Question {
        return None;
    }
    let words = Words::of(tokens, text);
    if words.any(DROPS) {
        return Some(Closing::Dropped);
    }
    let waits = words.any(WAITS);
    if waits {
        return None;
    }
    let mut at = 0;
    while words.has(
        at,
        &[
            "ok", "okay", "yes", "yep", "i", "i've", "we", "we've", "have", "just", "already", "all", "it's", "that's",
            "is", "also", "btw", "has", "and",
        ],
    ) {
        at += 1;
    }
    let verbs = [
        "done",
        "sent",
        "finished",
        "fixed",
        "booked",
        "ordered",
        "uploaded",
        "merged",
        "deployed",
        "completed",
        "updated",
        "posted",
        "paid",
        "submitted",
        "emailed",
        "called",
        "shared",
        "signed",
        "scheduled",
        "published",
        "reviewed",
        "cancelled",
        "canceled",
        "wrote",
        "added",
        "removed",
        "pushed",
        "filed",
        "delivered",
    ];
    let ends = words.words.len() >= 2
        && words.words.len() <= 8
        && words.has(
            words.words.len() - 1,
            &["done", "sent", "fixed", "booked", "merged", "deployed", "finished", "ready"],
        );
    // Alone, only a known verb says that something is done.
    let past = at + 1 < words.words.len()
        && !words.has(at, STATES)
        && words.words.get(at).is_some_and(|word| word.len() > 4 && word.ends_with("ed"));
    let is = words.any(&[
        &["is", "fixed"],
        &["is", "done"],
        &["are", "done"],
        &["is", "ready"],
        &["is", "sent"],
        &["is", "live"],
        &["is", "merged"],
    ]);
    ((past || words.has(at, &verbs)) && words.words.len() <= 16 || ends || is && words.words.len() <= 10)
        .then_some(Closing::Done)
}

/// What a message is to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Accepts,
    Unsure,
    Asks,
    Other,
}

/// What the message at this place replies.
pub(super) fn reply(document: &Document<'_>, at: usize) -> Reply {
    let message = &document.messages[at];
    let tokens = &document.tokens[message.tokens.clone()];
    let words = Words::of(&tokens[..tokens.len().min(READ)], &message.text);
    if words.any(&[
        &["don't", "know"],
        &["not", "sure"],
        &["no", "idea"],
        &["let", "me", "check"],
        &["i'll", "check"],
        &["good", "question"],
        &["will", "check"],
        &["i'll", "ask"],
        &["dunno"],
        &["get", "back"],
    ]) {
        return Reply::Unsure;
    }
    let refuses = words.any(&[
        &["no"],
        &["not"],
        &["can't"],
        &["cannot"],
        &["don't"],
        &["but"],
        &["sorry"],
        &["won't"],
        &["rather"],
    ]);
    let accepts = words.has(
        0,
        &[
            "yes",
            "yeah",
            "yep",
            "sure",
            "ok",
            "okay",
            "agreed",
            "great",
            "good",
            "perfect",
            "deal",
            "absolutely",
            "definitely",
            "alright",
            "fine",
            "sí",
            "vale",
            "claro",
            "oui",
            "d'accord",
            "ja",
            "klar",
            "sim",
            "va",
            "prima",
            "gerne",
            "si",
            "certo",
            "ok",
        ],
    ) || words.any(&[
        &["sounds", "good"],
        &["sounds", "great"],
        &["works", "for", "me"],
        &["will", "do"],
        &["on", "it"],
        &["i", "agree"],
        &["no", "problem"],
        &["of", "course"],
        &["good", "idea"],
        &["all", "right"],
    ]);
    if accepts && (!refuses || words.any(&[&["no", "problem"]])) {
        return Reply::Accepts;
    }
    if document.sentences[message.sentences.clone()].first().is_some_and(|sentence| sentence.end == End::Question) {
        return Reply::Asks;
    }
    Reply::Other
}
