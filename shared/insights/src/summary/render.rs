//! Writes a sentence as a reader would tell it: third person, speaker named. Where that would need
//! a guess, the speaker's own words are quoted.

mod frame;
mod retell;
mod task;
mod verbs;
mod words;

use retell::Roles;
pub(crate) use verbs::{is_base, is_proper, past};
use words::prepare;

use super::{Candidate, Material, material::Source};
use crate::text::{Document, Language, Sentence, plain};

/// Bytes of one written sentence.
const BYTES: usize = 280;
/// Bytes of a name.
const NAME: usize = 40;

/// The candidate as written text.
pub(crate) fn render(material: &Material<'_>, candidate: &Candidate) -> String {
    match &candidate.source {
        Source::Written(text) => text.clone(),
        Source::Sentence(at) => told(material.document, &material.document.sentences[*at]),
    }
}

/// The sentence as told of its speaker.
pub(crate) fn told(document: &Document<'_>, sentence: &Sentence) -> String {
    let author = document.messages[sentence.message].author;
    let speaker = shown(document, author);
    if document.language() != Language::English {
        return format!("{speaker}: {}", plain(document.text_of(sentence), BYTES));
    }
    let prepared = prepare(document, sentence);
    let addressee = addressee(document, author, prepared.called);
    let roles = Roles { speaker: &speaker, addressee: addressee.as_deref() };
    match frame::tell(&prepared, roles) {
        Some(told) => finished(&told),
        None => format!("{speaker}: \"{}\"", plain(document.text_of(sentence), BYTES)),
    }
}

/// One line with a capital first and a full stop last.
fn finished(told: &str) -> String {
    let told = plain(told, BYTES);
    let told = told.trim_end_matches([',', ';', ':', '-', ' ']);
    let stop = if told.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{}{stop}", capitalized(told))
}

/// The name as it stands in a sentence: roles have an article.
fn shown(document: &Document<'_>, author: usize) -> String {
    const ROLES: [&str; 24] = [
        "manager",
        "designer",
        "engineer",
        "agent",
        "assistant",
        "expert",
        "lead",
        "developer",
        "analyst",
        "officer",
        "director",
        "customer",
        "client",
        "teacher",
        "doctor",
        "interviewer",
        "moderator",
        "host",
        "operator",
        "owner",
        "architect",
        "consultant",
        "clerk",
        "editor",
    ];
    let name = plain(document.authors[author], NAME);
    let role = document.language() == Language::English
        && name.rsplit(' ').next().is_some_and(|last| ROLES.iter().any(|role| last.eq_ignore_ascii_case(role)));
    if role { format!("the {name}") } else { name }
}

/// Whom the speaker talks to, where that is certain: someone called by name, or the only other one.
fn addressee(document: &Document<'_>, author: usize, called: Option<usize>) -> Option<String> {
    let other = match (called, &document.authors[..]) {
        (Some(called), _) if called != author => called,
        (_, [_, _]) => 1 - author,
        _ => return None,
    };
    Some(shown(document, other))
}

/// What is to be done, said as a task: "Send Ben the notes by Friday".
pub(crate) fn task_text(document: &Document<'_>, sentence: &Sentence) -> String {
    if document.language() != Language::English {
        return plain(document.text_of(sentence), BYTES);
    }
    let author = document.messages[sentence.message].author;
    let speaker = shown(document, author);
    let prepared = prepare(document, sentence);
    let addressee = addressee(document, author, prepared.called);
    let roles = Roles { speaker: &speaker, addressee: addressee.as_deref() };
    let mut line = retell::Line::default();
    retell::retell(&mut line, task::task(&prepared.words), roles);
    let text = plain(&line.text, BYTES);
    let text = text.trim_end_matches([',', ';', ':', '-', ' ', '.']);
    if text.is_empty() {
        return plain(document.text_of(sentence), BYTES);
    }
    capitalized(text)
}

fn capitalized(text: &str) -> String {
    // An id is written as it is.
    let word = text.split([' ', '\'']).next().unwrap_or_default();
    if word.contains(|sign: char| sign == '_' || sign == '@' || sign.is_ascii_digit()) {
        return text.to_owned();
    }
    let mut signs = text.chars();
    let first: String = signs.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}", signs.as_str())
}
