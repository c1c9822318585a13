//! Cheap cue tests on a sentence's tokens.

use crate::{
    lexicon::Classes,
    summary::is_base_verb,
    text::{End, Kind, Token},
};

/// Tokens that a cue test looks at.
pub(super) const READ: usize = 24;

/// The lowercase test of a run of words: `has(at, options)` is a word of the options at this place.
pub(super) struct Words<'t> {
    pub(super) words: Vec<&'t str>,
    /// Which openings of words there are: most phrases are ruled out by it at once.
    openings: u64,
}

impl<'t> Words<'t> {
    pub(super) fn of(tokens: &[Token], text: &'t str) -> Self {
        let words: Vec<&str> = tokens
            .iter()
            .filter(|token| matches!(token.kind, Kind::Word | Kind::Mention))
            .take(READ)
            .map(|token| token.text(text))
            .collect();
        let openings = words.iter().fold(0, |openings, word| openings | opening(word));
        Self { words, openings }
    }

    pub(super) fn has(&self, at: usize, options: &[&str]) -> bool {
        self.words.get(at).is_some_and(|word| options.iter().any(|option| word.eq_ignore_ascii_case(option)))
    }

    /// Whether the phrase stands somewhere.
    pub(super) fn phrase(&self, phrase: &[&str]) -> bool {
        if phrase.iter().any(|part| self.openings & opening(part) == 0) {
            return false;
        }
        (0..self.words.len()).any(|at| phrase.iter().enumerate().all(|(step, part)| self.has(at + step, &[part])))
    }

    pub(super) fn any(&self, phrases: &[&[&str]]) -> bool {
        phrases.iter().any(|phrase| self.phrase(phrase))
    }
}

/// One bit by first letter and length.
fn opening(word: &str) -> u64 {
    let first = word.as_bytes().first().map_or(0, u8::to_ascii_lowercase);
    1 << ((usize::from(first) * 7 + word.len()) % 64)
}

/// Whether a message with these tokens asks something.
pub(crate) fn asks(tokens: &[Token], text: &str) -> bool {
    tokens.iter().any(|token| matches!(token.mark, '?' | '？' | '؟')) || opens_question(tokens, text)
}

/// "who knows where …": a question word first, then a verb of a question.
fn opens_question(tokens: &[Token], text: &str) -> bool {
    let mut words = tokens.iter().filter(|token| token.kind == Kind::Word).map(|token| token.text(text));
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    let asks =
        ["what", "where", "when", "who", "why", "how", "which"].iter().any(|word| first.eq_ignore_ascii_case(word));
    asks && ["is", "are", "do", "does", "did", "can", "should", "will", "would", "was", "were"]
        .iter()
        .any(|word| second.eq_ignore_ascii_case(word))
}

/// Whether a sentence gives someone work: a commitment, a request, an obligation. Runs on every message.
pub(crate) fn asks_for_work(tokens: &[Token], text: &str, end: End) -> bool {
    const HEADS: [&str; 16] = [
        "i'll", "we'll", "i", "we", "can", "could", "would", "will", "need", "needs", "have", "has", "going", "please",
        "gonna", "let",
    ];
    let words: Vec<&Token> = tokens.iter().filter(|token| token.kind == Kind::Word).take(READ).collect();
    let has = |at: usize, options: &[&str]| {
        words.get(at).is_some_and(|token| options.iter().any(|option| token.text(text).eq_ignore_ascii_case(option)))
    };
    for at in 0..words.len() {
        // All heads are stop words, or chat words: the rest is skipped without a comparison.
        if !words[at].is(Classes::STOP_EN.with(Classes::CHAT)) || !has(at, &HEADS) {
            continue;
        }
        let asked = has(at, &["please"])
            && words.get(at + 1).is_some_and(|next| is_base_verb(&next.text(text).to_ascii_lowercase()));
        let work = asked
            || has(at, &["i'll", "we'll", "gonna"]) && at + 1 < words.len()
            || has(at, &["i", "we"]) && has(at + 1, &["will", "must"])
            || has(at, &["can", "could", "would", "will"])
                && has(at + 1, &["you", "someone", "somebody"])
                && end == End::Question
            || has(at, &["need", "needs", "have", "has"])
                && has(at + 1, &["to"])
                && !(at > 0 && has(at - 1, &["don't", "didn't", "not", "you"]) && end == End::Question)
            || has(at, &["let"]) && has(at + 1, &["me", "us"]) && has(at + 2, &["know"]);
        if work && !has(at + 1, &["like", "love"]) {
            return true;
        }
    }
    false
}

/// A request in a language that is read by its stop words only.
pub(super) fn foreign_request(tokens: &[Token], text: &str) -> bool {
    let words = Words::of(tokens, text);
    (0..words.words.len()).any(|at| {
        words.has(
            at,
            &[
                "puedes",
                "podrías",
                "puede",
                "podría",
                "kannst",
                "könntest",
                "könnten",
                "puoi",
                "potresti",
                "podes",
                "poderia",
                "bitte",
            ],
        ) || words.has(at, &["peux", "pourrais", "pouvez", "pourriez"])
            || words.has(at, &["kun", "kunt"]) && words.has(at + 1, &["je", "jij", "u"])
            || words.has(at, &["você"]) && words.has(at + 1, &["pode"])
            || words.has(at, &["tengo", "tenemos", "ich", "devo", "tenho"])
                && words.has(at + 1, &["que", "muss", "werde", "fare", "mandare"])
    })
}

/// "I will", "Ben must": words that stand with an owner who is named or speaks.
pub(super) fn commits(tokens: &[Token], text: &str) -> bool {
    let words = Words::of(tokens, text);
    words.any(&[
        &["i'll"],
        &["i", "will"],
        &["i'm", "going", "to"],
        &["i'm", "gonna"],
        &["ich", "werde"],
        &["voy", "a"],
        &["je", "vais"],
        &["ik", "zal"],
        &["please"],
        &["should"],
        &["must"],
        &["will"],
    ])
}

/// Whether the sentence asks another to do something.
pub(super) fn is_request(tokens: &[Token], text: &str, end: End) -> bool {
    let words = Words::of(tokens, text);
    let asked =
        ["can", "could", "would", "will"].iter().any(|verb| words.phrase(&[verb, "you"])) && end == End::Question;
    asked || words.phrase(&["please"]) || foreign_request(tokens, text)
}

/// "I'll do it", "I can take that", "on it", "I'll look at it": takes on what was asked.
pub(super) fn takes_on(tokens: &[Token], text: &str) -> bool {
    let words = Words::of(tokens, text);
    let points_back = words.phrase(&["i'll"]) && words.any(&[&["it"], &["that"], &["those"], &["them"]]);
    words.words.len() <= 10 && points_back
        || words.words.len() <= 8
            && words.any(&[
                &["i'll", "do", "it"],
                &["i'll", "do", "that"],
                &["i'll", "take", "it"],
                &["i'll", "take", "that"],
                &["i'll", "take", "care"],
                &["i", "can", "do"],
                &["i", "can", "take"],
                &["i'll", "handle"],
                &["i", "will", "do"],
                &["on", "it"],
                &["will", "do"],
                &["i'm", "on", "it"],
            ])
}

/// Whether the sentence states a decision.
pub(super) fn decides(tokens: &[Token], text: &str) -> bool {
    let words = Words::of(tokens, text);
    words.any(&[
        &["we", "decided"],
        &["we've", "decided"],
        &["i've", "decided"],
        &["i", "decided"],
        &["have", "decided"],
        &["it's", "decided"],
        &["was", "decided"],
        &["decided", "to"],
        &["decision", "is"],
        &["the", "decision"],
        &["we", "agreed"],
        &["we've", "agreed"],
        &["we're", "agreed"],
        &["let's", "go", "with"],
        &["we'll", "go", "with"],
        &["we", "go", "with"],
        &["going", "with"],
        &["go", "for"],
        &["it's", "settled"],
        &["that's", "settled"],
        &["settled", "on"],
        &["we", "chose"],
        &["we're", "gonna", "go"],
        &["final", "decision"],
        &["we", "will", "use"],
        &["we'll", "use"],
        &["we'll", "keep"],
        &["let's", "stick"],
        &["hemos", "decidido"],
        &["on", "a", "décidé"],
        &["wir", "nehmen"],
        &["nehmen", "wir"],
        &["abbiamo", "deciso"],
        &["decidimos"],
    ])
}

/// "Decided.", "It's settled then.": whether the sentence makes a decision of the one before it.
pub(super) fn seals(tokens: &[Token], text: &str) -> bool {
    let words = Words::of(tokens, text);
    words.words.len() <= 4
        && (words.has(0, &["decided", "settled"]) && words.words.len() <= 2
            || words.any(&[
                &["it's", "decided"],
                &["that's", "decided"],
                &["so", "decided"],
                &["it's", "settled"],
                &["that's", "settled"],
                &["done", "deal"],
                &["it's", "a", "deal"],
            ]))
}

/// Whether the sentence proposes something that others may agree to.
pub(super) fn proposes(tokens: &[Token], text: &str) -> bool {
    let words = Words::of(tokens, text);
    let opens = (0..3).any(|at| {
        words.has(at, &["let's"])
            || words.has(at, &["how", "what"]) && words.has(at + 1, &["about"])
            || words.has(at, &["shall", "should", "can", "could"]) && words.has(at + 1, &["we"])
            || words.has(at, &["why"]) && words.has(at + 1, &["don't"]) && words.has(at + 2, &["we"])
            || words.has(at, &["we", "i"]) && words.has(at + 1, &["should", "suggest", "propose"])
    });
    opens && words.words.len() > 3
}

/// Speech is full of questions: the ones that stay open say so.
pub(super) fn open_issue(tokens: &[Token], text: &str, end: End) -> bool {
    let words = Words::of(tokens, text);
    end == End::Question
        && words.words.len() > 6
        && words.words.len() < READ
        && words.any(&[
            &["should", "we"],
            &["do", "we", "want"],
            &["are", "we"],
            &["do", "we", "need"],
            &["whether"],
            &["could", "we"],
        ])
}

/// Whether a question is about something: no "right?", no "what?", no greeting.
pub(super) fn worth_asking(tokens: &[Token], text: &str) -> bool {
    let words = Words::of(tokens, text);
    let pleasantry = words.any(&[
        &["how", "are", "you"],
        &["what's", "up"],
        &["how's", "it", "going"],
        &["you", "know"],
        &["help", "you"],
    ]);
    !pleasantry && (words.words.len() > 3 || tokens.iter().filter(|token| token.is_content()).count() > 0)
}
