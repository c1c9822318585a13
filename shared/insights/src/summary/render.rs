//! Writes a sentence as a reader would tell it: third person, speaker named. Where that would need
//! a guess, the speaker's own words are quoted.

mod frame;
mod retell;
mod verbs;
mod words;

use retell::Roles;
pub(crate) use verbs::is_proper;
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
        Source::Sentence(at) => sentence(material.document, &material.document.sentences[*at]),
    }
}

fn sentence(document: &Document<'_>, sentence: &Sentence) -> String {
    let author = document.messages[sentence.message].author;
    let speaker = plain(document.authors[author], NAME);
    if document.language() != Language::English {
        return format!("{speaker}: {}", plain(document.text_of(sentence), BYTES));
    }
    let prepared = prepare(document, sentence);
    let other = match (prepared.called, &document.authors[..]) {
        (Some(called), _) if called != author => Some(called),
        (_, [_, _]) => Some(1 - author),
        _ => None,
    };
    let addressee = other.map(|other| plain(document.authors[other], NAME));
    let roles = Roles { speaker: &speaker, addressee: addressee.as_deref() };
    match frame::tell(&prepared, roles) {
        Some(told) => finished(&told, sentence.end == crate::text::End::Question),
        None => format!("{speaker}: \"{}\"", plain(document.text_of(sentence), BYTES)),
    }
}

/// One line with a capital first and a full stop last.
fn finished(told: &str, _asks: bool) -> String {
    let told = plain(told, BYTES);
    let told = told.trim_end_matches([',', ';', ':', '-', ' ']);
    let mut signs = told.chars();
    let first: String = signs.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if told.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{first}{}{stop}", signs.as_str())
}
