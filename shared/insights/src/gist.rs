//! Gists: what a stretch of conversation comes to, in bounded space, so that the cost of a summary
//! does not grow with what was said before. The law: a gist of gists is a gist.

mod bound;
mod join;
mod parts;

pub(crate) use join::{Whole, join};
pub(crate) use parts::{Point, Term, Voice};

use serde::{Deserialize, Serialize};

use crate::{
    actions::Findings,
    keywords::Phrase,
    message::Message,
    sentiment::Mood,
    summary::{Material, cover},
    text::{Document, Tally},
};

/// Words of the sentences that a gist keeps.
const POINTS_WORDS: usize = 220;
const TERMS: usize = 60;
const PHRASES: usize = 24;
const TASKS: usize = 5;
const FINDINGS: usize = 4;
const VOICES: usize = 8;

/// What a stretch of a conversation comes to. At most about 8 KiB as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gist {
    messages: u64,
    words: u64,
    hesitations: u32,
    tally: Tally,
    mood: Mood,
    voices: Vec<Voice>,
    terms: Vec<Term>,
    phrases: Vec<Phrase>,
    points: Vec<Point>,
    findings: Findings,
}

impl Gist {
    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    fn of(gists: &[Self], document: &Document<'_>) -> Self {
        let whole = join(gists, document);
        let material = Material::new(gists, document, &whole);
        let points = cover(&material, POINTS_WORDS)
            .into_iter()
            .map(|at| Point::new(&material, &material.candidates[at]))
            .collect();
        let mut gist = whole.into_gist(points);
        gist.bound();
        gist
    }
}

/// The gist of a segment of at most some 40 messages or 1500 tokens. Linear in its text.
#[must_use]
pub fn gist(messages: &[Message<'_>]) -> Gist {
    Gist::of(&[], &Document::read(messages))
}

/// One gist of the same bounded size for several, oldest first.
#[must_use]
pub fn merge(gists: &[Gist]) -> Gist {
    Gist::of(gists, &Document::default())
}
