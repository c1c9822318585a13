//! Candidate sentences with what choosing needs to know of them, from gists and from messages alike.

use std::collections::HashMap;

use crate::{
    gist::{Gist, Point, Whole},
    lexicon::Classes,
    text::{Document, End, Kind, Sentence, Token, Tokens, stem_hash},
};

/// A sentence that may stand in a summary.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) seq: u64,
    /// What its form alone is worth, in thousandths.
    pub(crate) form: i32,
    /// Words as spoken.
    pub(crate) words: usize,
    /// Stems of its content words.
    pub(crate) terms: Vec<u64>,
    /// Written already, or the sentence to write.
    pub(crate) source: Source,
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Written(String),
    Sentence(usize),
}

/// All candidates in order, and the weights of terms.
pub(crate) struct Material<'d> {
    pub(crate) document: &'d Document<'d>,
    pub(crate) candidates: Vec<Candidate>,
    /// Count and rarity by stem.
    pub(crate) terms: HashMap<u64, (u32, u8)>,
}

impl<'d> Material<'d> {
    pub(crate) fn new(gists: &[Gist], document: &'d Document<'d>, whole: &Whole) -> Self {
        let mut terms = HashMap::with_capacity(whole.terms.len());
        for term in &whole.terms {
            terms.insert(term.stem, (term.count, term.rarity));
        }
        let mut candidates = Vec::with_capacity(document.sentences.len());
        for gist in gists {
            candidates.extend(gist.points().iter().map(written));
        }
        for (at, sentence) in document.sentences.iter().enumerate() {
            candidates.extend(spoken(document, at, sentence));
        }
        Self { document, candidates, terms }
    }
}

fn written(point: &Point) -> Candidate {
    let text = &point.text;
    let terms = Tokens::of(text).filter(Token::is_content).map(|token| token.stem(text)).collect();
    Candidate {
        seq: point.seq,
        form: point.form,
        words: point.words as usize,
        terms,
        source: Source::Written(text.clone()),
    }
}

fn spoken(document: &Document<'_>, at: usize, sentence: &Sentence) -> Option<Candidate> {
    let message = &document.messages[sentence.message];
    let tokens = document.tokens_of(sentence);
    let opening = tokens
        .iter()
        .take_while(|token| token.kind == Kind::Mark || token.is(Classes::OPENER))
        .filter(|token| token.kind == Kind::Word)
        .count();
    let words = sentence.words.saturating_sub(opening);
    if words < 3 {
        return None;
    }
    let terms: Vec<u64> = tokens
        .iter()
        .filter(|token| token.is_content())
        .map(|token| stem_hash(token.text(&message.text), token.hash))
        .collect();
    let mut form = (80.0 * (1.0 + words as f64).ln()) as i32;
    form -= if words > 25 { 70 } else { 0 };
    form += if sentence.message == 0 { 50 } else { 0 };
    form += if sentence.end == End::Question { 40 } else { 0 };
    form += if tokens.iter().any(|token| token.is(Classes::INTENT)) { 30 } else { 0 };
    form -= if tokens.iter().any(|token| token.is(Classes::GREETING)) { 30 } else { 0 };
    Some(Candidate { seq: message.seq, form, words, terms, source: Source::Sentence(at) })
}
