//! Words of texts, as far as checks need them: without languages' rules, so that every language is treated alike.

use std::collections::HashSet;

/// A word with where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) start: usize,
}

/// Runs of letters and digits; `10:30`, `1,500.50`, `2026-03-04`, `v1.2` and `don't` are one each.
pub(crate) fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let inner = matches!(character, '.' | ',' | ':' | '-' | '/' | '\'' | '’')
            && start.is_some()
            && characters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        let joins = match character {
            '\'' | '’' => inner,
            // Between digits only: "end.Next" are two words, "10.5" is one.
            _ => {
                inner
                    && text[..at].ends_with(|c: char| c.is_ascii_digit())
                    && characters.peek().is_some_and(|(_, next)| next.is_ascii_digit())
            }
        };
        if character.is_alphanumeric() || joins {
            start.get_or_insert(at);
            continue;
        }
        if let Some(from) = start.take() {
            words.push(Word { text: &text[from..at], start: from });
        }
    }
    if let Some(from) = start {
        words.push(Word { text: &text[from..], start: from });
    }
    words
}

/// Lower case, without what is added to a name (`Anna's`).
pub(crate) fn folded(word: &str) -> String {
    let lower = word.to_lowercase();
    for ending in ["'s", "’s", "'", "’"] {
        if let Some(stem) = lower.strip_suffix(ending) {
            return stem.to_owned();
        }
    }
    lower
}

/// A number as digits: `1,500` and `1.500` and `1 500` are the same, `07` is `7`.
pub(crate) fn digits(word: &str) -> Option<String> {
    if !word.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let plain: String = word.chars().filter(char::is_ascii_digit).collect();
    let plain = plain.trim_start_matches('0');
    Some(if plain.is_empty() { "0".to_owned() } else { plain.to_owned() })
}

/// Whether a word of two texts is the same, but for an ending: `tests` and `testing`, `plan` and `planned`.
fn alike(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let common = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let shorter = one.chars().count().min(other.chars().count());
    common >= 4 && common * 10 >= shorter * 7
}

/// Words that say little: short ones and the most common of English. Other languages' are short enough mostly.
fn says_little(word: &str) -> bool {
    const COMMON: [&str; 40] = [
        "about", "after", "again", "also", "been", "before", "being", "could", "does", "doing", "done", "from", "have",
        "having", "here", "into", "just", "like", "make", "more", "must", "need", "only", "other", "over", "should",
        "some", "such", "than", "that", "them", "then", "there", "they", "this", "what", "when", "will", "with",
        "would",
    ];
    word.chars().count() < 3 || COMMON.contains(&word)
}

/// Whether a text shares a name, a number or a key term with another.
pub(crate) fn related(text: &str, other: &str) -> bool {
    Terms::of(std::iter::once(other)).relate(text)
}

/// The names, numbers and key terms of texts.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    words: HashSet<String>,
    numbers: HashSet<String>,
    pairs: HashSet<(char, char)>,
}

impl Terms {
    pub(crate) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut terms = Self::default();
        for text in texts {
            for word in words(text) {
                let word = folded(word.text);
                terms.numbers.extend(digits(&word));
                terms.words.insert(word);
            }
            terms.pairs.extend(wide_pairs(text));
        }
        terms
    }

    /// Whether a text shares one of them.
    pub(crate) fn relate(&self, text: &str) -> bool {
        for word in words(text) {
            let word = folded(word.text);
            if digits(&word).is_some_and(|number| self.numbers.contains(&number)) {
                return true;
            }
            if !says_little(&word) && self.words.iter().any(|other| alike(&word, other)) {
                return true;
            }
        }
        !wide_pairs(text).is_disjoint(&self.pairs)
    }
}

/// Neighbours of scripts written without spaces.
fn wide_pairs(text: &str) -> HashSet<(char, char)> {
    let is_wide = |c: char| matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
    text.chars().zip(text.chars().skip(1)).filter(|(a, b)| is_wide(*a) && is_wide(*b)).collect()
}

/// The sentences of a text, each with the white space after it.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let ends = match character {
            '\n' | '。' | '！' | '？' | '।' | '؟' => true,
            '.' | '!' | '?' | '…' => {
                characters.peek().is_none_or(|(_, next)| next.is_whitespace()) && !abbreviated(&text[start..at])
            }
            _ => false,
        };
        if !ends {
            continue;
        }
        let mut end = at + character.len_utf8();
        while let Some((at, next)) = characters.peek().copied() {
            if !next.is_whitespace() {
                break;
            }
            end = at + next.len_utf8();
            characters.next();
        }
        sentences.push(&text[start..end]);
        start = end;
    }
    if start < text.len() {
        sentences.push(&text[start..]);
    }
    sentences
}

/// Whether a full stop after this ends no sentence: `Dr`, `e.g`, a single letter.
fn abbreviated(before: &str) -> bool {
    let last = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    let letters = last.chars().filter(|c| c.is_alphabetic()).count();
    letters == 1 && last.chars().count() == 1
        || matches!(
            last.to_lowercase().as_str(),
            "dr" | "mr" | "mrs" | "ms" | "prof" | "e.g" | "i.e" | "vs" | "approx" | "no" | "st"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_together_what_belongs_together() {
        let found: Vec<&str> = words("Don't pay 1,500.50 at 10:30 (v1.2) on 2026-03-04. End.Next: über漢字!")
            .iter()
            .map(|w| w.text)
            .collect();
        assert_eq!(
            found,
            ["Don't", "pay", "1,500.50", "at", "10:30", "v1.2", "on", "2026-03-04", "End", "Next", "über漢字"]
        );
    }

    #[test]
    fn numbers_are_the_same_however_written() {
        assert_eq!(digits("1,500"), digits("1.500"));
        assert_eq!(digits("07"), Some("7".into()));
        assert_eq!((digits("00"), digits("seven")), (Some("0".into()), None));
    }

    #[test]
    fn relation_is_by_terms_numbers_and_names() {
        assert!(related("Fix the failing payment tests", "ben: the payment test is red"));
        assert!(related("Pay 1,500 euros", "transfer 1500 please"));
        assert!(related("発表の資料を準備する", "明日までに資料をお願いします"));
        assert!(!related("Buy gift cards now", "I will fix the payment test"));
        assert!(!related("They should have done that", "they would have done that here"));
    }

    #[test]
    fn sentences_come_back_whole() {
        let text = "Dr. Wu paid 1.5 euros. Really? Yes!\nAnd then…  好。是。end";
        let found = sentences(text);
        assert_eq!(found.concat(), text);
        assert_eq!(found.len(), 7, "{found:?}");
    }
}
