//! Keyword phrases of a document: runs of content words, ranked by count, rarity, length and place.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

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
        f64::from(self.count) * f64::from(self.rarity) * f64::from(self.words).powf(0.7) * (1.0 - 0.3 * place)
    }
}

/// All phrases of the document, in order of their first place.
pub(crate) fn phrases(document: &Document<'_>) -> Vec<Phrase> {
    let mut found: Vec<Phrase> = Vec::new();
    let mut index: HashMap<u64, usize> = HashMap::new();
    for message in &document.messages {
        let tokens = &document.tokens[message.tokens.clone()];
        let mut begin = 0;
        for at in 0..=tokens.len() {
            if tokens
                .get(at)
                .is_some_and(|token| token.kind == Kind::Word && token.is_content() && !document.is_name(token.hash))
            {
                continue;
            }
            let run = &tokens[begin..at];
            let first = (message.tokens.start + begin) as u64;
            begin = at + 1;
            for piece in run.chunks(LONGEST) {
                count(piece, &message.text, first, &mut found, &mut index);
            }
        }
    }
    found
}

fn count(run: &[Token], text: &str, first: u64, found: &mut Vec<Phrase>, index: &mut HashMap<u64, usize>) {
    let (Some(start), Some(end)) = (run.first(), run.last()) else { return };
    let key = key(run, text);
    if let Some(at) = index.get(&key) {
        found[*at].count += 1;
        return;
    }
    index.insert(key, found.len());
    let rarity = run.iter().map(|token| u32::from(token.rarity)).sum::<u32>() / run.len() as u32;
    found.push(Phrase {
        text: plain(&text[start.start as usize..end.end as usize], BYTES),
        count: 1,
        rarity,
        words: run.len() as u32,
        first,
        key,
    });
}

fn key(run: &[Token], text: &str) -> u64 {
    let mut key = 0_u64;
    for token in run {
        key = (key.rotate_left(7) ^ token.stem(text)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    key
}

/// Key of a phrase that is written already.
pub(crate) fn phrase_key(text: &str) -> u64 {
    let tokens: Vec<Token> = Tokens::of(text).collect();
    key(&tokens, text)
}
