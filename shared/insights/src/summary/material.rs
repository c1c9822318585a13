//! Candidate sentences with what choosing needs to know of them, from gists and from messages alike.

use std::collections::{HashMap, HashSet};

use crate::{
    gist::{Gist, Point, Whole},
    lexicon::{Classes, RAREST, fold_hash},
    param::param,
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
    /// It has a verb that shows, so it can be told as a sentence.
    pub(crate) clause: bool,
    /// Stems of its terms.
    pub(crate) terms: Vec<u64>,
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
pub(crate) struct Weighed {
    pub(crate) count: u32,
    pub(crate) rarity: u8,
    pub(crate) content: bool,
}

impl Weighed {
    /// A term that the bounded counts have lost.
    pub(crate) const LOST: Self = Self { count: 1, rarity: RAREST, content: false };
}

/// All candidates in order, and the weights of terms.
pub(crate) struct Material<'d> {
    pub(crate) document: &'d Document<'d>,
    pub(crate) candidates: Vec<Candidate>,
    /// Count and rarity by stem.
    pub(crate) terms: HashMap<u64, Weighed>,
}

impl<'d> Material<'d> {
    pub(crate) fn new(gists: &[Gist], document: &'d Document<'d>, whole: &Whole) -> Self {
        let mut terms = HashMap::with_capacity(whole.terms.len());
        for term in &whole.terms {
            terms.insert(term.stem, Weighed { count: term.count, rarity: term.rarity, content: term.content });
        }
        let mut candidates = Vec::with_capacity(document.sentences.len());
        let framed = framing(whole);
        for gist in gists {
            candidates.extend(gist.points().iter().map(|point| written(point, &framed)));
        }
        // How many messages with something to tell came before.
        let mut place = usize::from(!gists.is_empty()) * 99;
        let mut message = usize::MAX;
        for (at, sentence) in document.sentences.iter().enumerate() {
            if message != usize::MAX && message != sentence.message {
                place += 1;
                message = usize::MAX;
            }
            if let Some(candidate) = spoken(document, at, sentence, place) {
                candidates.push(candidate);
                message = sentence.message;
            }
        }
        Self { document, candidates, terms }
    }
}

/// Stems of the words that telling adds: names and verbs of speech.
fn framing(whole: &Whole) -> HashSet<u64> {
    let stem = |word: &str| stem_hash(word, fold_hash(word));
    let mut framed: HashSet<u64> = ["says", "asks", "thinks", "suggests", "tells", "advises", "thanks", "group", "agrees"].map(stem).into();
    for voice in &whole.voices {
        framed.extend(Tokens::of(&voice.name).map(|token| token.stem(&voice.name)));
    }
    framed
}

fn written(point: &Point, framed: &HashSet<u64>) -> Candidate {
    let text = &point.text;
    let terms = Tokens::of(text).filter(Token::is_term).map(|token| token.stem(text)).filter(|stem| !framed.contains(stem)).collect();
    Candidate {
        clause: true,
        seq: point.seq,
        form: point.form,
        words: point.words as usize,
        terms,
        source: Source::Written(text.clone()),
    }
}

fn spoken(document: &Document<'_>, at: usize, sentence: &Sentence, place: usize) -> Option<Candidate> {
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
    let terms: Vec<u64> = tokens
        .iter()
        .filter(|token| token.is_term())
        .map(|token| stem_hash(token.text(&message.text), token.hash))
        .collect();
    let mut form = (1000.0 * param("LEN", 0.08) * (1.0 + words as f64).ln()) as i32;
    form -= if words > 25 { (1000.0 * param("LONG", 0.07)) as i32 } else { 0 };
    form += (1000.0 * param("FIRST", 0.2) * param("DECAY", 0.0).powi(place as i32)) as i32;
    form += if sentence.end == End::Question { (1000.0 * param("QUE", 0.04)) as i32 } else { 0 };
    form +=
        if tokens.iter().any(|token| token.is(Classes::INTENT)) { (1000.0 * param("INTENT", 0.03)) as i32 } else { 0 };
    form -=
        if tokens.iter().any(|token| token.is(Classes::GREETING)) { (1000.0 * param("GREET", 0.03)) as i32 } else { 0 };
    form +=
        if tokens.iter().any(|token| token.kind == Kind::Word && token.text(&message.text).eq_ignore_ascii_case("you"))
        {
            (1000.0 * param("YOU", 0.04)) as i32
        } else {
            0
        };
    let clause = tokens.iter().any(|token| token.is(Classes::CLAUSE));
    Some(Candidate { clause, seq: message.seq, form, words, terms, source: Source::Sentence(at) })
}

/// "How are you", "can I help you", "nice to meet you": said to everyone, about nothing.
fn is_pleasantry(tokens: &[Token], text: &str) -> bool {
    const SAID: [&[&str]; 26] = [
        &["how", "are", "you"],
        &["how", "do", "you", "do"],
        &["help", "you"],
        &["do", "for", "you"],
        &["nice", "to", "meet", "you"],
        &["nice", "to", "see", "you"],
        &["good", "to", "see", "you"],
        &["pleased", "to", "meet"],
        &["see", "you"],
        &["have", "a", "seat"],
        &["come", "in"],
        &["sit", "down"],
        &["here", "you", "are"],
        &["here", "it", "is"],
        &["thank", "you"],
        &["thanks", "a", "lot"],
        &["you're", "welcome"],
        &["you", "are", "welcome"],
        &["have", "a", "good"],
        &["have", "a", "nice"],
        &["take", "care"],
        &["what's", "up"],
        &["how's", "it", "going"],
        &["long", "time", "no", "see"],
        &["excuse", "me"],
        &["you", "are", "right"],
    ];
    let words: Vec<&str> =
        tokens.iter().filter(|token| token.kind == Kind::Word).map(|token| token.text(text)).collect();
    SAID.iter().any(|said| {
        words
            .windows(said.len())
            .any(|window| window.iter().zip(said.iter()).all(|(word, part)| word.eq_ignore_ascii_case(part)))
    })
}
