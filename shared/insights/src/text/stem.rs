//! A light English stemmer: enough that "buttons", "button" and "deciding", "decided" meet.

use crate::lexicon::fold_hash;

const LONGEST: usize = 32;

/// Hash of the word's stem; of the word itself where it is not plain ASCII or very long.
pub(crate) fn stem_hash(word: &str, hash: u64) -> u64 {
    if word.len() < 3 || word.len() > LONGEST || !word.is_ascii() {
        return hash;
    }
    let mut buffer = [0; LONGEST];
    let lower = &mut buffer[..word.len()];
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    let mut length = lower.len();
    if lower.ends_with(b"'s") {
        length -= 2;
    }
    length = without_plural(&lower[..length]);
    length = without_ending(&lower[..length]);
    if length > 4 && lower[length - 1] == b'e' {
        length -= 1;
    }
    if length > 2 && lower[length - 1] == b'y' {
        lower[length - 1] = b'i';
    }
    std::str::from_utf8(&buffer[..length]).map_or(hash, fold_hash)
}

fn without_plural(word: &[u8]) -> usize {
    let length = word.len();
    if length < 4 || !word.ends_with(b"s") {
        return length;
    }
    if word.ends_with(b"sses") || word.ends_with(b"ies") {
        return length - 2;
    }
    if word.ends_with(b"ss") || word.ends_with(b"us") || word.ends_with(b"is") {
        return length;
    }
    length - 1
}

fn without_ending(word: &[u8]) -> usize {
    for (ending, shortest) in [(&b"ing"[..], 3), (b"ed", 3), (b"ly", 4)] {
        if !word.ends_with(ending) || word.len() < ending.len() + shortest {
            continue;
        }
        let stem = &word[..word.len() - ending.len()];
        if !stem.iter().any(|byte| b"aeiouy".contains(byte)) {
            return word.len();
        }
        let [.., before, last] = stem else { return stem.len() };
        let doubled = before == last && !b"lsz".contains(last);
        return stem.len() - usize::from(doubled);
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        stem_hash(one, fold_hash(one)) == stem_hash(other, fold_hash(other))
    }

    #[test]
    fn forms_of_a_word_meet_and_other_words_do_not() {
        for (one, other) in [
            ("Buttons", "button"),
            ("deciding", "decided"),
            ("planned", "planning"),
            ("tries", "try"),
            ("Anna's", "Anna"),
            ("releases", "release"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [("thing", "th"), ("bus", "bu"), ("red", "r"), ("class", "clas")] {
            assert!(!same(one, other), "{one} {other}");
        }
    }
}
