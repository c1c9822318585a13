//! Keyword phrases of a document: runs of content words, ranked by count, rarity, length and place.

use serde::{Deserialize, Serialize};

use crate::lexicon::HashedMap;
use crate::text::{Document, Kind, Token, Tokens, plain};

/// Words of a phrase.
const LONGEST: usize = 4;
/// Bytes of a phrase.
const BYTES: usize = 60;

/// A phrase with how often and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Phrase {
    #[serde(rename = "t")]
    pub(crate) text: String,
    #[serde(rename = "n")]
    pub(crate) count: u32,
    /// Mean rarity of its words.
    #[serde(rename = "r")]
    pub(crate) rarity: u32,
    #[serde(rename = "w")]
    pub(crate) words: u32,
    /// Words of the conversation before its first place.
    #[serde(rename = "f")]
    pub(crate) first: u64,
    /// Hash of its stems: the same for "button" and "buttons".
    #[serde(skip)]
    pub(crate) key: u64,
}

impl Phrase {
    /// Rank among phrases of a conversation of this many words.
    pub(crate) fn score(&self, of_words: u64) -> f64 {
        let place = self.first as f64 / of_words.max(1) as f64;
        // Verb forms and adverbs are poor keywords by themselves.
        let form = self.words == 1 && ["ing", "ed", "ly"].iter().any(|ending| self.text.ends_with(ending));
        let kind = if form { 0.5 } else { 1.0 };
        let length = f64::from(self.words).powf(0.7);
        f64::from(self.count) * f64::from(self.rarity) * length * (1.0 - 0.3 * place) * kind
    }
}

/// All phrases of the document, in order of their first place.
pub(crate) fn phrases(document: &Document<'_>) -> Vec<Phrase> {
    let mut found: Vec<Phrase> = Vec::new();
    let mut index: HashedMap<usize> = HashedMap::default();
    for message in &document.messages {
        let tokens = &document.tokens[message.tokens.clone()];
        let text = &message.text;
        let mut begin = 0;
        for at in 0..=tokens.len() {
            if tokens.get(at).is_some_and(|token| carries(document, token)) || joins(tokens, at) {
                continue;
            }
            let run = trimmed(&tokens[begin..at], text);
            let first = (message.tokens.start + begin) as u64;
            begin = at + 1;
            if run.iter().any(|token| token.kind == Kind::Glyph) {
                glyphs(run, text, first, &mut found, &mut index);
            } else {
                // The head of an English phrase stands last, so a long run is cut from its end.
                for piece in run.rchunks(LONGEST).rev() {
                    count(piece, text, first, &mut found, &mut index);
                }
            }
        }
    }
    found
}

fn carries(document: &Document<'_>, token: &Token) -> bool {
    token.is_content() && !document.is_name(token.hash)
}

/// A hyphen inside a word: "coarse-grained".
fn joins(tokens: &[Token], at: usize) -> bool {
    let Some(mark) = tokens.get(at) else { return false };
    mark.mark == '-'
        && !mark.spaced
        && at > 0
        && tokens[at - 1].is_content()
        && tokens.get(at + 1).is_some_and(|next| !next.spaced && next.is_content())
}

/// The run without verb forms that open or close it: "allowing larger steps", "extraction based".
fn trimmed<'r>(run: &'r [Token], text: &str) -> &'r [Token] {
    let mut run = run;
    while let [.., last] = run
        && run.len() > 1
        && (last.kind == Kind::Mark
            || last.text(text).ends_with("ed") && last.rarity < 30
            || last.text(text).ends_with("ly"))
    {
        run = &run[..run.len() - 1];
    }
    while let [first, ..] = run
        && run.len() > 1
        && (first.kind == Kind::Mark
            || first.text(text).ends_with("ly")
            || first.text(text).ends_with("ing") && first.rarity < 28)
    {
        run = &run[1..];
    }
    run
}

/// Scripts without spaces: pairs of characters count, which is what can be told without a dictionary.
fn glyphs(run: &[Token], text: &str, first: u64, found: &mut Vec<Phrase>, index: &mut HashedMap<usize>) {
    let syllable = |token: &Token| matches!(token.text(text).chars().next(), Some('\u{3041}'..='\u{309f}'));
    for word in run.split(|token| token.kind != Kind::Glyph || syllable(token)) {
        if (2..=4).contains(&word.len()) {
            count(word, text, first, found, index);
        } else {
            for pair in word.windows(2) {
                count(pair, text, first, found, index);
            }
        }
    }
}

fn count(run: &[Token], text: &str, first: u64, found: &mut Vec<Phrase>, index: &mut HashedMap<usize>) {
    let run = trimmed(run, text);
    let (Some(start), Some(end)) = (run.first(), run.last()) else { return };
    let key = key(run, text);
    if let Some(at) = index.get(&key) {
        found[*at].count += 1;
        return;
    }
    index.insert(key, found.len());
    let words = run.iter().filter(|token| token.kind != Kind::Mark).count();
    let words = u32::try_from(words).unwrap_or(u32::MAX).max(1);
    let rarity = run.iter().map(|token| u32::from(token.rarity)).sum::<u32>() / words;
    found.push(Phrase {
        text: plain(&text[start.start as usize..end.end as usize], BYTES),
        count: 1,
        rarity,
        words,
        first,
        key,
    });
}

fn key(run: &[Token], text: &str) -> u64 {
    let mut key = 0_u64;
    for token in run.iter().filter(|token| token.hash != 0) {
        key = (key.rotate_left(7) ^ token.stem(text)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    key
}

/// Key of a phrase that is written already.
pub(crate) fn phrase_key(text: &str) -> u64 {
    let tokens: Vec<Token> = Tokens::of(text).collect();
    key(&tokens, text)
}
