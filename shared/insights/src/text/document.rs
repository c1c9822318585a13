//! Messages read into tokens and sentences, once, for everything that follows.

use std::{borrow::Cow, collections::HashMap};

use super::{Kind, Language, Tally, Token, Tokens, normalize};
use crate::{
    lexicon::{Classes, HashedSet},
    message::Message,
};

/// Sentences are cut after this many tokens, at a comma where there is one.
const LONGEST_SENTENCE: usize = 60;

/// Index into the document's authors.
pub(crate) type Author = usize;

/// How a sentence ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    Period,
    Question,
    Exclamation,
}

/// A message with its text made ready and where its sentences lie.
#[derive(Clone, Debug)]
pub(crate) struct Spoken<'a> {
    pub(crate) seq: u64,
    pub(crate) author: Author,
    pub(crate) text: Cow<'a, str>,
    pub(crate) at_ms: i64,
    pub(crate) tokens: std::ops::Range<usize>,
    pub(crate) sentences: std::ops::Range<usize>,
}

/// A run of tokens of one message that says one thing.
#[derive(Clone, Debug)]
pub(crate) struct Sentence {
    /// Index of its message in the document.
    pub(crate) message: usize,
    pub(crate) tokens: std::ops::Range<usize>,
    pub(crate) end: End,
    /// Words, numbers included; glyphs count half.
    pub(crate) words: usize,
}

/// A conversation, or a stretch of one, as read.
#[derive(Debug, Default)]
pub(crate) struct Document<'a> {
    pub(crate) authors: Vec<&'a str>,
    /// For look-ups only: its order is never seen.
    index: HashMap<&'a str, Author>,
    /// Hashes of the words of authors' names.
    names: HashedSet,
    pub(crate) messages: Vec<Spoken<'a>>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) sentences: Vec<Sentence>,
    pub(crate) tally: Tally,
    pub(crate) hesitations: u32,
}

impl<'a> Document<'a> {
    pub(crate) fn read(messages: &[Message<'a>]) -> Self {
        let mut document = Self::default();
        for message in messages {
            document.push(message);
        }
        document
    }

    fn push(&mut self, message: &Message<'a>) {
        let author = self.author(message.author);
        let text = normalize(message.text);
        let (first_token, first_sentence) = (self.tokens.len(), self.sentences.len());
        let index = self.messages.len();
        for token in Tokens::of(&text) {
            self.tally.add(&token, &text);
            self.hesitations += u32::from(token.is(Classes::HESITATION));
            self.tokens.push(token);
        }
        self.split(index, first_token, &text);
        self.messages.push(Spoken {
            seq: message.seq,
            author,
            text,
            at_ms: message.at_ms,
            tokens: first_token..self.tokens.len(),
            sentences: first_sentence..self.sentences.len(),
        });
    }

    fn author(&mut self, name: &'a str) -> Author {
        let next = self.authors.len();
        let at = *self.index.entry(name).or_insert(next);
        if at == next {
            self.authors.push(name);
            for token in Tokens::of(name) {
                self.names.insert(token.hash);
            }
        }
        at
    }

    fn split(&mut self, message: usize, first: usize, text: &str) {
        let mut begin = first;
        for at in first..self.tokens.len() {
            let token = self.tokens[at];
            let next = self.tokens.get(at + 1);
            if next.is_some_and(|next| !next.spaced && token.mark.is_ascii()) && !newline_before(next, text) {
                continue;
            }
            let mark = if at > begin && matches!(token.mark, '!' | '"' | '”' | ')' | '*') {
                stronger(self.tokens[at - 1].mark, token.mark)
            } else {
                token.mark
            };
            let end = match mark {
                '?' | '？' | '؟' => End::Question,
                '!' | '！' => End::Exclamation,
                '。' | '।' | '…' | ';' => End::Period,
                '.' if !self.abbreviated(begin, at, text) => End::Period,
                _ if newline_before(next, text) => End::Open,
                _ if at + 1 - begin >= LONGEST_SENTENCE
                    && (token.mark == ',' || at + 1 - begin >= LONGEST_SENTENCE * 3 / 2) =>
                {
                    End::Open
                }
                _ => continue,
            };
            self.close(message, begin..at + 1, end);
            begin = at + 1;
        }
        let rest = begin..self.tokens.len();
        self.close(message, rest, End::Open);
    }

    /// "Mr." and initials do not end a sentence.
    fn abbreviated(&self, begin: usize, at: usize, text: &str) -> bool {
        if at == begin {
            return false;
        }
        let before = self.tokens[at - 1];
        let word = before.text(text);
        before.kind == Kind::Word
            && (matches!(word, "Mr" | "Mrs" | "Ms" | "Dr" | "Prof" | "St" | "vs" | "etc" | "approx" | "No" if at + 1 < self.tokens.len() && word != "No")
                || word.len() == 1 && word != "I" && before.spaced && word.chars().all(char::is_uppercase))
    }

    fn close(&mut self, message: usize, tokens: std::ops::Range<usize>, mut end: End) {
        if tokens.is_empty() {
            return;
        }
        let glyphs = self.tokens[tokens.clone()].iter().filter(|token| token.kind == Kind::Glyph).count();
        let words =
            self.tokens[tokens.clone()].iter().filter(|token| matches!(token.kind, Kind::Word | Kind::Number)).count();
        if words + glyphs == 0 {
            // Marks alone belong to the sentence before: "What" "?!".
            if let Some(last) = self.sentences.last_mut().filter(|last| last.message == message) {
                last.tokens.end = tokens.end;
                return;
            }
            end = End::Open;
        }
        self.sentences.push(Sentence { message, tokens, end, words: words + glyphs.div_ceil(2) });
    }

    /// Whether the word with this hash belongs to an author's name.
    pub(crate) fn is_name(&self, hash: u64) -> bool {
        self.names.contains(&hash)
    }

    pub(crate) fn language(&self) -> Language {
        self.tally.language()
    }

    /// Whether this is speech written down: hesitations are kept by transcripts, hardly by writers.
    /// A few turns are read like writing: too few to rank.
    pub(crate) fn is_speech(&self) -> bool {
        self.hesitations * 100 > self.tally.words && self.hesitations >= 5 && self.messages.len() >= 20
    }

    pub(crate) fn tokens_of(&self, sentence: &Sentence) -> &[Token] {
        &self.tokens[sentence.tokens.clone()]
    }

    pub(crate) fn text_of(&self, sentence: &Sentence) -> &str {
        let tokens = self.tokens_of(sentence);
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return "" };
        &self.messages[sentence.message].text[first.start as usize..last.end as usize]
    }
}

/// "?!" asks, and a closing quote or bracket ends what its last mark ends.
const fn stronger(before: char, mark: char) -> char {
    if matches!(before, '?' | '.' | '!') { before } else { mark }
}

fn newline_before(next: Option<&Token>, text: &str) -> bool {
    next.is_some_and(|next| next.spaced && text[..next.start as usize].trim_end_matches([' ', '\t']).ends_with('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let document = Document::read(&[Message { seq: 1, author: "a", text, at_ms: 0 }]);
        document.sentences.iter().map(|sentence| document.text_of(sentence).to_owned()).collect()
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        assert_eq!(split("Mr. Lee pays 3.50 at a.b.c. Right?! Ok"), ["Mr. Lee pays 3.50 at a.b.c.", "Right?!", "Ok"]);
        assert_eq!(split("one line\nanother one\n\n- third"), ["one line", "another one", "- third"]);
        assert_eq!(split("会議は金曜日です。いいですか？はい"), ["会議は金曜日です。", "いいですか？", "はい"]);
        assert_eq!(split("😀"), ["😀"]);
    }

    #[test]
    fn a_run_without_a_mark_is_cut() {
        let document = split(&"word ".repeat(1000));
        assert!(document.len() > 5);
    }
}
