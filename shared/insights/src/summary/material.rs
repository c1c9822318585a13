//! Candidate sentences with what choosing needs to know of them, from gists and from messages alike.

use super::pleasantry::is_pleasantry;
use crate::{
    gist::{Gist, Point, Whole},
    lexicon::{Classes, HashedMap, HashedSet, fold_hash},
    sentiment::thousandths,
    text::{Document, End, Kind, Sentence, Token, Tokens, stem_hash},
};

/// How a long sentence pays for its length: its cover is divided by words to this power.
const LENGTH: f64 = 0.45;

/// A sentence that may stand in a summary.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) seq: u64,
    /// What its form alone is worth, in thousandths.
    pub(crate) form: i32,
    /// Words as spoken.
    pub(crate) words: usize,
    /// What its cover is multiplied by: less for long sentences and for those without a verb.
    pub(crate) density: f64,
    /// Indices of its terms' weights.
    pub(crate) terms: Vec<usize>,
    /// Written already, or the sentence to write.
    pub(crate) source: Source,
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Written(String),
    Sentence(usize),
}

/// How much a term says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weight {
    /// Its count.
    pub(crate) count: f64,
    /// What telling it is worth: nothing for chat words, else by count and rarity.
    pub(crate) coverage: f64,
}

/// All candidates in order, and the weights of terms.
pub(crate) struct Material<'d> {
    pub(crate) document: &'d Document<'d>,
    pub(crate) candidates: Vec<Candidate>,
    /// First those of the whole's terms, at the same indices.
    pub(crate) weights: Vec<Weight>,
}

/// Terms by stem, and which sets of terms there have been.
struct Intake {
    index: HashedMap<usize>,
    seen: HashedSet,
    weights: Vec<Weight>,
}

impl<'d> Material<'d> {
    pub(crate) fn new(gists: &[Gist], document: &'d Document<'d>, whole: &Whole) -> Self {
        let mut intake = Intake::new(whole);
        let mut candidates = Vec::with_capacity(document.sentences.len());
        let framed = framing(whole);
        for point in gists.iter().flat_map(Gist::points) {
            candidates.extend(intake.written(point, &framed));
        }
        for (at, sentence) in document.sentences.iter().enumerate() {
            candidates.extend(intake.spoken(document, at, sentence));
        }
        Self { document, candidates, weights: intake.weights }
    }
}

impl Intake {
    fn new(whole: &Whole) -> Self {
        let mut intake = Self {
            index: HashedMap::default(),
            seen: HashedSet::default(),
            weights: Vec::with_capacity(whole.terms.len()),
        };
        for (at, term) in whole.terms.iter().enumerate() {
            intake.index.insert(term.stem, at);
            let coverage = if term.content { f64::from(term.count).powf(0.7) * f64::from(term.rarity) } else { 0.0 };
            intake.weights.push(Weight { count: f64::from(term.count), coverage });
        }
        intake
    }

    /// Indices of the stems; none where another sentence had exactly these.
    fn terms(&mut self, stems: impl Iterator<Item = u64>) -> Option<Vec<usize>> {
        let mut terms = Vec::new();
        let mut all = 0_u64;
        for stem in stems {
            all = (all.rotate_left(11) ^ stem).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let next = self.weights.len();
            let at = *self.index.entry(stem).or_insert(next);
            if at == next {
                // The bounded counts of a gist have lost it.
                self.weights.push(Weight { count: 1.0, coverage: 0.0 });
            }
            terms.push(at);
        }
        (terms.is_empty() || self.seen.insert(all)).then_some(terms)
    }

    fn written(&mut self, point: &Point, framed: &HashedSet) -> Option<Candidate> {
        let text = &point.text;
        let stems =
            Tokens::of(text).filter(Token::is_term).map(|token| token.stem(text)).filter(|stem| !framed.contains(stem));
        let terms = self.terms(stems)?;
        let words = point.words as usize;
        Some(Candidate {
            seq: point.seq,
            form: point.form,
            words,
            density: density(words, true),
            terms,
            source: Source::Written(text.clone()),
        })
    }

    fn spoken(&mut self, document: &Document<'_>, at: usize, sentence: &Sentence) -> Option<Candidate> {
        let message = &document.messages[sentence.message];
        let tokens = document.tokens_of(sentence);
        let opening = tokens
            .iter()
            .take_while(|token| token.kind == Kind::Mark || token.is(Classes::OPENER))
            .filter(|token| token.kind == Kind::Word)
            .count();
        let words = sentence.words.saturating_sub(opening);
        if words < 3 || words < 9 && is_pleasantry(tokens, &message.text) {
            return None;
        }
        let terms = self.terms(tokens.iter().filter(|token| token.is_term()).map(|token| token.stem(&message.text)))?;
        let clause = tokens.iter().any(|token| token.is(Classes::CLAUSE));
        let form = form(tokens, &message.text, sentence.end, words);
        Some(Candidate {
            seq: message.seq,
            form,
            words,
            density: density(words, clause),
            terms,
            source: Source::Sentence(at),
        })
    }
}

/// Worth of a sentence's form, by hand, in thousandths: length, questions, "you", plans, no greeting.
fn form(tokens: &[Token], text: &str, end: End, words: usize) -> i32 {
    let holds = |class: Classes| i32::from(tokens.iter().any(|token| token.is(class)));
    let you = tokens.iter().any(|token| token.kind == Kind::Word && token.text(text).eq_ignore_ascii_case("you"));
    let length = i32::try_from(thousandths(0.08 * (1.0 + words as f64).ln())).unwrap_or(i32::MAX / 2);
    let long = if words > 25 { 70 } else { 0 };
    length - long + 40 * i32::from(end == End::Question) + 40 * i32::from(you) + 30 * holds(Classes::INTENT)
        - 30 * holds(Classes::GREETING)
}

fn density(words: usize, clause: bool) -> f64 {
    let verb = if clause { 1.0 } else { 0.6 };
    verb / (words.max(1) as f64).powf(LENGTH)
}

/// Stems of the words that telling adds: names and verbs of speech.
fn framing(whole: &Whole) -> HashedSet {
    let stem = |word: &str| stem_hash(word, fold_hash(word));
    let mut framed: HashedSet = ["says", "asks", "thinks", "suggests", "tells", "advises", "thanks", "group", "agrees"]
        .map(stem)
        .into_iter()
        .collect();
    for voice in &whole.voices {
        framed.extend(Tokens::of(&voice.name).map(|token| token.stem(&voice.name)));
    }
    framed
}
