//! The tokenizer: words of any script, numbers, links, mentions, emoji, marks.

use super::stem_hash;
use crate::lexicon::{Classes, Entry, emoji_valence, entry, fold_hash};

/// Words longer than this are data, not language.
const LONGEST_WORD: usize = 48;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Number,
    /// A link or an e-mail address.
    Link,
    Mention,
    /// Code between backticks, or a run too long for a word.
    Data,
    Emoji,
    /// One character of a script without spaces between words.
    Glyph,
    Mark,
}

/// A piece of a message's text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) kind: Kind,
    /// White space stands before it.
    pub(crate) spaced: bool,
    /// First character of a mark.
    pub(crate) mark: char,
    /// Hash of the lowercased word, 0 for anything else.
    pub(crate) hash: u64,
    pub(crate) valence: i8,
    pub(crate) rarity: u8,
    pub(crate) classes: Classes,
}

impl Token {
    /// Fills arrays.
    pub(crate) const NONE: Self = Self {
        start: 0,
        end: 0,
        kind: Kind::Mark,
        spaced: false,
        mark: ' ',
        hash: 0,
        valence: 0,
        rarity: 0,
        classes: Classes(0),
    };

    pub(crate) fn text<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start as usize..self.end as usize]
    }

    pub(crate) fn is(&self, class: Classes) -> bool {
        self.classes.any(class)
    }

    /// A word that says something of what is meant: no stop word.
    pub(crate) fn is_term(&self) -> bool {
        match self.kind {
            Kind::Word => !self.classes.any(Classes::STOP.with(Classes::HESITATION)) && self.end - self.start > 1,
            Kind::Glyph => true,
            _ => false,
        }
    }

    /// A word that carries meaning: no stop word, no chat filler.
    pub(crate) fn is_content(&self) -> bool {
        match self.kind {
            Kind::Word => {
                !self.classes.any(Classes::STOP.with(Classes::CHAT).with(Classes::HESITATION))
                    && self.end - self.start > 1
            }
            Kind::Glyph => true,
            _ => false,
        }
    }

    pub(crate) fn stem(&self, text: &str) -> u64 {
        stem_hash(self.text(text), self.hash)
    }
}

/// The tokens of a text, in order.
pub(crate) struct Tokens<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(crate) const fn of(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn token(&self, from: usize, to: usize, kind: Kind, spaced: bool) -> Token {
        let mut token = Token {
            start: u32::try_from(from).unwrap_or(u32::MAX),
            end: u32::try_from(to).unwrap_or(u32::MAX),
            kind,
            spaced,
            mark: ' ',
            hash: 0,
            valence: 0,
            rarity: 0,
            classes: Classes::default(),
        };
        if matches!(kind, Kind::Word | Kind::Glyph) {
            token.hash = fold_hash(&self.text[from..to]);
            let known: Entry = entry(token.hash);
            token.valence = known.valence;
            token.rarity = known.rarity;
            token.classes = known.classes;
        }
        token
    }

    /// End of the run of word characters that starts at `from`, and whether all are digits.
    fn word_end(&self, from: usize) -> (usize, bool) {
        let bytes = self.text.as_bytes();
        let mut at = from;
        let mut digits = true;
        while at < bytes.len() {
            let byte = bytes[at];
            if byte.is_ascii_alphabetic() {
                digits = false;
                at += 1;
            } else if byte.is_ascii_digit() {
                at += 1;
            } else if byte == b'\'' {
                if !letter_follows(bytes, at + 1) {
                    break;
                }
                digits = false;
                at += 1;
            } else if matches!(byte, b'.' | b',' | b':') {
                if !(digits && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)) {
                    break;
                }
                at += 1;
            } else if byte.is_ascii() {
                break;
            } else {
                let Some(sign) = self.text[at..].chars().next() else { break };
                let inside = sign == '’' && letter_follows(bytes, at + sign.len_utf8());
                if !inside && (!sign.is_alphanumeric() && !is_joined(sign) || spaceless(sign)) {
                    break;
                }
                digits = false;
                at += sign.len_utf8();
            }
        }
        (at, digits)
    }

    fn until_space(&self, from: usize) -> usize {
        self.text[from..].find(char::is_whitespace).map_or(self.text.len(), |length| from + length)
    }

    fn word(&self, from: usize, spaced: bool) -> Token {
        let bytes = self.text.as_bytes();
        if matches!(bytes[from], b'h' | b'H' | b'w' | b'W') && starts_link(&bytes[from..]) {
            return self.token(from, self.until_space(from), Kind::Link, spaced);
        }
        let (end, digits) = self.word_end(from);
        if bytes.get(end) == Some(&b'@') && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric) {
            return self.token(from, self.until_space(end), Kind::Link, spaced);
        }
        let kind = if end - from > LONGEST_WORD {
            Kind::Data
        } else if digits {
            Kind::Number
        } else {
            Kind::Word
        };
        self.token(from, end, kind, spaced)
    }

    fn sign(&self, from: usize, sign: char, spaced: bool) -> Token {
        let bytes = self.text.as_bytes();
        let next = from + sign.len_utf8();
        if sign == '`' {
            let fence = if bytes[from..].starts_with(b"```") { "```" } else { "`" };
            let inside = from + fence.len();
            // The end of a short span is looked for nearby only, so a run of backticks stays linear.
            let reach = clipped(self.text, inside, if fence.len() == 3 { self.text.len() } else { 256 });
            if let Some(length) = self.text[inside..reach].find(fence) {
                return self.token(from, inside + length + fence.len(), Kind::Data, spaced);
            }
            if fence.len() == 3 {
                return self.token(from, self.text.len(), Kind::Data, spaced);
            }
        }
        if sign == '@' && bytes.get(next).is_some_and(u8::is_ascii_alphanumeric) {
            return self.token(from, self.word_end(next).0, Kind::Mention, spaced);
        }
        if matches!(sign, ':' | ';' | '=' | '<' | '8' | '(')
            && let Some(token) = self.emoticon(from, spaced)
        {
            return token;
        }
        if spaceless(sign) {
            return self.token(from, next, Kind::Glyph, spaced);
        }
        if is_emoji(sign) {
            let mut token = self.token(from, next, Kind::Emoji, spaced);
            token.valence = emoji_valence(sign);
            token.mark = sign;
            return token;
        }
        let mut token = self.token(from, next, Kind::Mark, spaced);
        token.mark = sign;
        token
    }

    fn emoticon(&self, from: usize, spaced: bool) -> Option<Token> {
        let bytes = self.text.as_bytes();
        for length in [3, 2] {
            let end = from + length;
            let run = bytes.get(from..end)?;
            if !run.is_ascii()
                || run.iter().any(u8::is_ascii_whitespace)
                || bytes.get(end).is_some_and(u8::is_ascii_alphanumeric)
            {
                continue;
            }
            let known = entry(fold_hash(&self.text[from..end]));
            if known.valence != 0 {
                let mut token = self.token(from, end, Kind::Emoji, spaced);
                token.valence = known.valence;
                token.mark = ':';
                return Some(token);
            }
        }
        None
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let bytes = self.text.as_bytes();
        let begin = self.at;
        let mut at = begin;
        loop {
            let byte = *bytes.get(at)?;
            let token = if byte.is_ascii_whitespace() || byte.is_ascii_control() {
                at += 1;
                continue;
            } else if byte.is_ascii_alphanumeric() {
                self.word(at, at > begin)
            } else {
                let sign = self.text[at..].chars().next()?;
                if sign.is_whitespace() || sign.is_control() || is_invisible(sign) {
                    at += sign.len_utf8();
                    continue;
                }
                if sign.is_alphanumeric() && !spaceless(sign) {
                    self.word(at, at > begin)
                } else {
                    self.sign(at, sign, at > begin)
                }
            };
            self.at = token.end as usize;
            return Some(token);
        }
    }
}

fn clipped(text: &str, from: usize, length: usize) -> usize {
    let mut end = text.len().min(from + length);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    end.max(from)
}

fn letter_follows(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte >= 0xc3)
}

fn starts_link(rest: &[u8]) -> bool {
    [&b"http://"[..], b"https://", b"www."]
        .iter()
        .any(|head| rest.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head)))
}

/// Whether the character belongs to a script that writes no spaces between words.
pub(crate) const fn spaceless(sign: char) -> bool {
    matches!(sign as u32,
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff   // Thai, Lao, Burmese, Khmer
        | 0x3005..=0x3007 | 0x3041..=0x30ff | 0x31f0..=0x31ff // Japanese syllables
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

const fn is_emoji(sign: char) -> bool {
    matches!(sign as u32, 0x2190..=0x2bff | 0x1_f000..=0x1_faff)
}

const fn is_invisible(sign: char) -> bool {
    matches!(sign as u32, 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x2064 | 0xfe00..=0xfe0f | 0xfeff | 0x1_f3fb..=0x1_f3ff)
}

/// Marks that stand on letters and belong to the word.
const fn is_joined(sign: char) -> bool {
    matches!(sign as u32, 0x0300..=0x036f | 0x0591..=0x05bd | 0x064b..=0x065f | 0x0900..=0x0dff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(&str, Kind)> {
        Tokens::of(text).map(|token| (token.text(text), token.kind)).collect()
    }

    #[test]
    fn words_numbers_links_and_signs_are_told_apart() {
        use Kind::{Data, Emoji, Glyph, Link, Mark, Mention, Number, Word};
        assert_eq!(
            kinds("@ben don’t pay $3.50, see https://a.b/c `x=1` :) 😀 会"),
            [
                ("@ben", Mention),
                ("don’t", Word),
                ("pay", Word),
                ("$", Mark),
                ("3.50", Number),
                (",", Mark),
                ("see", Word),
                ("https://a.b/c", Link),
                ("`x=1`", Data),
                (":)", Emoji),
                ("😀", Emoji),
                ("会", Glyph)
            ]
        );
        assert_eq!(kinds("write to a.b@c.de now")[2..], [("a", Word), (".", Mark), ("b@c.de", Link), ("now", Word)]);
        assert_eq!(kinds(&"x".repeat(60))[0].1, Data);
    }
}
