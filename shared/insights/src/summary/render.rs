//! Writes a sentence as a reader would tell it.

use super::{Candidate, Material, material::Source};
use crate::text::plain;

/// Bytes of one written sentence.
const BYTES: usize = 280;

/// The candidate as written text.
pub(crate) fn render(material: &Material<'_>, candidate: &Candidate) -> String {
    match &candidate.source {
        Source::Written(text) => text.clone(),
        Source::Sentence(at) => {
            let document = material.document;
            let sentence = &document.sentences[*at];
            let author = document.authors[document.messages[sentence.message].author];
            format!("{}: {}", plain(author, 60), plain(document.text_of(sentence), BYTES))
        }
    }
}
