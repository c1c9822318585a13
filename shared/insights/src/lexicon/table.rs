//! The table itself: open addressing over 64-bit hashes of lowercased words.
//! No word is stored: with some twenty thousand entries two of them sharing a hash has odds of
//! about one in 10^11, and the worst it could do is to lend a word another word's valence.

use std::sync::LazyLock;

use super::Classes;

/// Rarity of words that the frequency list does not hold.
pub(crate) const RAREST: u8 = 40;

const SLOTS: usize = 1 << 16;
const SEED: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// What is known of a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    hash: u64,
    pub(crate) classes: Classes,
    /// Mean rating in tenths, -40 to 40; 0 where the lexicon has none.
    pub(crate) valence: i8,
    /// Quarter nats rarer than the commonest English word.
    pub(crate) rarity: u8,
}

const UNKNOWN: Entry = Entry { hash: 0, classes: Classes(0), valence: 0, rarity: RAREST };

static TABLE: LazyLock<Vec<Entry>> = LazyLock::new(build);
static EMOJI: LazyLock<Vec<(char, i8)>> = LazyLock::new(emoji);

/// What is known of the word with this hash.
pub(crate) fn entry(hash: u64) -> Entry {
    let table = &*TABLE;
    let mut slot = slot_of(hash);
    loop {
        let found = table[slot];
        if found.hash == hash {
            return found;
        }
        if found.hash == 0 {
            return UNKNOWN;
        }
        slot = (slot + 1) & (SLOTS - 1);
    }
}

/// Valence of an emoji in tenths, 0 for one without.
pub(crate) fn emoji_valence(sign: char) -> i8 {
    EMOJI.binary_search_by_key(&sign, |(known, _)| *known).map_or(0, |at| EMOJI[at].1)
}

/// Hash of the lowercased word, the same for straight and curly apostrophes. Never 0.
pub(crate) fn fold_hash(word: &str) -> u64 {
    let mut hash = SEED;
    if word.is_ascii() {
        for byte in word.bytes() {
            hash = (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(PRIME);
        }
        return hash.max(1);
    }
    let mut bytes = [0; 4];
    for sign in word.chars() {
        let sign = if sign == '’' { '\'' } else { sign };
        for lower in sign.to_lowercase() {
            for byte in lower.encode_utf8(&mut bytes).bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
            }
        }
    }
    hash.max(1)
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits are all that is wanted")]
const fn slot_of(hash: u64) -> usize {
    ((hash ^ (hash >> 29)) as usize) & (SLOTS - 1)
}

fn rows(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    file.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'))
}

fn build() -> Vec<Entry> {
    let mut table = vec![UNKNOWN; SLOTS];
    for (level, words) in rows(include_str!("../../data/frequency.tsv")) {
        let Ok(level) = level.parse() else { continue };
        for word in words.split(' ') {
            at(&mut table, word).rarity = level;
        }
    }
    let valences =
        rows(include_str!("../../data/valence.tsv")).chain(rows(include_str!("../../data/valence_more.tsv")));
    for (word, tenths) in valences {
        let Ok(tenths) = tenths.parse() else { continue };
        at(&mut table, word).valence = tenths;
    }
    for (class, words) in rows(include_str!("../../data/words.tsv")) {
        let class = Classes::named(class);
        for word in words.split(' ') {
            let entry = at(&mut table, word);
            entry.classes = entry.classes.with(class);
        }
    }
    table
}

fn at<'t>(table: &'t mut [Entry], word: &str) -> &'t mut Entry {
    let hash = fold_hash(word);
    let mut slot = slot_of(hash);
    while table[slot].hash != 0 && table[slot].hash != hash {
        slot = (slot + 1) & (SLOTS - 1);
    }
    table[slot].hash = hash;
    &mut table[slot]
}

fn emoji() -> Vec<(char, i8)> {
    let mut signs: Vec<(char, i8)> = rows(include_str!("../../data/emoji.tsv"))
        .filter_map(|(sign, tenths)| Some((sign.chars().next()?, tenths.parse().ok()?)))
        .collect();
    signs.sort_unstable();
    signs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_all_that_the_files_say_of_it() {
        let not = entry(fold_hash("NOT"));
        assert!(not.classes.any(Classes::NEGATION) && not.classes.any(Classes::STOP_EN));
        assert_eq!(entry(fold_hash("the")).rarity, 0);
        assert!(entry(fold_hash("great")).valence > 25);
        assert_eq!(entry(fold_hash("xyzzyx")).rarity, RAREST);
        assert_eq!(fold_hash("Don’t"), fold_hash("don't"));
        assert!(emoji_valence('😀') >= 0 && emoji_valence('♥') > 0);
    }

    #[test]
    fn every_class_of_the_file_is_known() {
        for (class, _) in rows(include_str!("../../data/words.tsv")) {
            assert_ne!(Classes::named(class).0, 0, "{class}");
        }
    }
}
