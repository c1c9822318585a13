//! Action items of speech that was written down: commitments are many and cheap there, so few are
//! kept, by how many task cues meet in a turn and how late it comes.

use super::{ActionItem, ActionStatus, due::due, find::Task, owner::owner};
use crate::{
    summary::task_text,
    text::{Document, Kind, Sentence, plain},
};

/// Tasks that a stretch keeps.
const KEPT: usize = 4;

/// Words and pairs that stand where work is given out.
const CUES: [&str; 34] = [
    "will",
    "gonna",
    "going to",
    "work on",
    "working on",
    "prepare",
    "look into",
    "looking into",
    "next meeting",
    "present",
    "presentation",
    "individual",
    "you'll",
    "i'll",
    "we'll",
    "need to",
    "finish",
    "write",
    "report",
    "send",
    "minutes",
    "questionnaire",
    "next time",
    "by the",
    "design",
    "research",
    "have to",
    "wrap up",
    "come back",
    "instructions",
    "project",
    "email",
    "specific",
    "prototype",
];

/// The likeliest tasks, in order.
pub(super) fn tasks(document: &Document<'_>) -> Vec<Task> {
    let mut ranked: Vec<(i32, usize)> = Vec::new();
    for (at, message) in document.messages.iter().enumerate() {
        let weight = weigh(document, message.tokens.clone(), &message.text);
        if weight >= 200 {
            ranked.push((weight, at));
        }
    }
    ranked.sort_by_key(|(weight, at)| (-weight, std::cmp::Reverse(*at)));
    ranked.truncate(KEPT);
    ranked.sort_by_key(|(_, at)| *at);
    ranked.into_iter().filter_map(|(weight, at)| task(document, at, weight)).collect()
}

/// Distinct cues in hundreds, names of others half of that.
fn weigh(document: &Document<'_>, tokens: std::ops::Range<usize>, text: &str) -> i32 {
    let words: Vec<String> = document.tokens[tokens]
        .iter()
        .filter(|token| token.kind == Kind::Word)
        .map(|token| token.text(text).to_ascii_lowercase())
        .collect();
    let holds = |cue: &str| {
        let mut parts = cue.split(' ');
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        words.iter().enumerate().any(|(at, word)| {
            word == first && second.is_none_or(|second| words.get(at + 1).is_some_and(|next| next == second))
        })
    };
    let cues = CUES.iter().filter(|cue| holds(cue)).count();
    let names = document
        .authors
        .iter()
        .filter(|name| name.split(' ').all(|part| words.iter().any(|word| word.eq_ignore_ascii_case(part))))
        .count();
    i32::try_from(cues * 100 + names * 50).unwrap_or(i32::MAX)
}

fn task(document: &Document<'_>, at: usize, weight: i32) -> Option<Task> {
    let message = &document.messages[at];
    let best = |sentence: &&Sentence| (weigh(document, sentence.tokens.clone(), &message.text), sentence.words.min(30));
    let sentence = document.sentences[message.sentences.clone()].iter().max_by_key(best)?;
    let item = ActionItem {
        text: task_text(document, sentence),
        owner: owner(document, sentence),
        due: due(document.tokens_of(sentence), &message.text, message.at_ms),
        status: ActionStatus::Open,
        evidence: vec![message.seq],
    };
    Some(Task { item, by: plain(document.authors[message.author], 40), weight, place: at as u64, spoken: true })
}
