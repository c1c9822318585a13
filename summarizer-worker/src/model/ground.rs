//! Names, numbers and dates of a summary, looked for in what it was made from.
//!
//! Law: a sentence with a name, a number or a date that stands nowhere in the text does not reach a user. Words at the
//! start of a sentence are no names, and neither are capitalized words in a text that capitalizes nouns.

use std::collections::HashSet;

use shared::ports::SummaryMessage;

use super::words::{digits, folded, sentences, words};

/// Number words that a model writes as digits, and digits that it writes as words.
const NUMBERS: [(&str, &str); 13] = [
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
    ("eleven", "11"),
    ("twelve", "12"),
    ("half", "5"),
];

/// Capitalized wherever they stand, and no claim by themselves.
const CAPITALIZED: [&str; 24] = [
    "i",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "ok",
    "english",
    "a",
    "the",
    "utc",
    "am",
    "pm",
    "mr",
    "mrs",
    "ms",
    "dr",
    "i'm",
    "i'll",
    "i've",
    "i'd",
    "no",
];

/// What a summary may speak of.
#[derive(Debug, Default)]
pub(crate) struct Ground {
    words: HashSet<String>,
    numbers: HashSet<String>,
    /// Words with a capital inside a sentence, and all words there.
    capitalized: u32,
    counted: u32,
}

impl Ground {
    /// Adds messages with their speakers and dates.
    pub(crate) fn messages(&mut self, messages: &[SummaryMessage]) {
        for message in messages {
            self.text(&message.content);
            self.name(message.user.as_str());
            let date = message.timestamp.to_string();
            if let Some((day, _)) = date.split_once('T') {
                self.numbers.extend(digits(day));
                self.numbers.extend(day.split('-').filter_map(digits));
            }
        }
    }

    /// Adds a speaker.
    pub(crate) fn name(&mut self, name: &str) {
        self.words.insert(name.to_lowercase());
        for word in words(name) {
            self.word(word.text);
        }
        for piece in name.split(|c: char| !c.is_alphanumeric()) {
            self.word(piece);
        }
    }

    /// Adds any other text.
    pub(crate) fn text(&mut self, text: &str) {
        for sentence in sentences(text) {
            for (place, word) in words(sentence).into_iter().enumerate() {
                if place > 0 && word.text.chars().all(char::is_alphabetic) {
                    self.counted += 1;
                    self.capitalized += u32::from(is_capitalized(word.text));
                }
                self.word(word.text);
            }
        }
    }

    fn word(&mut self, word: &str) {
        if let Some(number) = digits(word) {
            for piece in word.split(|c: char| !c.is_ascii_digit()) {
                self.numbers.extend(digits(piece));
            }
            self.numbers.insert(number);
        }
        let folded = folded(word);
        if let Some((_, number)) = NUMBERS.iter().find(|(name, _)| *name == folded) {
            self.numbers.insert((*number).to_owned());
        }
        for piece in folded.split(['\'', '’']) {
            self.words.insert(piece.to_owned());
        }
        self.words.insert(folded);
    }

    /// Whether nouns are capitalized here, as in German.
    fn capitalizes_nouns(&self) -> bool {
        self.counted >= 20 && self.capitalized * 100 >= self.counted * 18
    }

    /// The words of a text that stand nowhere, each once.
    pub(crate) fn unfounded(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for sentence in sentences(text) {
            self.unfounded_in(sentence, &mut found);
        }
        found
    }

    fn unfounded_in(&self, sentence: &str, found: &mut Vec<String>) {
        let words = words(sentence);
        for (place, word) in words.iter().enumerate() {
            let is_unfounded = if let Some(number) = digits(word.text) {
                !self.has_number(word.text, &number)
            } else {
                let follows = words.get(place + 1).is_some_and(|next| {
                    let between = &sentence[word.start + word.text.len()..next.start];
                    is_capitalized(next.text) && between.chars().all(char::is_whitespace)
                });
                let may_be_name = place > 0 || follows;
                may_be_name && is_capitalized(word.text) && !self.capitalizes_nouns() && !self.has_word(word.text)
            };
            if is_unfounded && !found.iter().any(|known| known == word.text) {
                found.push(word.text.to_owned());
            }
        }
    }

    fn has_number(&self, word: &str, number: &str) -> bool {
        let pieces = || word.split(|c: char| !c.is_ascii_digit()).filter_map(digits);
        self.numbers.contains(number) || pieces().count() > 1 && pieces().all(|piece| self.numbers.contains(&piece))
    }

    fn has_word(&self, word: &str) -> bool {
        let folded = folded(word);
        if CAPITALIZED.contains(&folded.as_str()) || self.words.contains(&folded) {
            return true;
        }
        // A name with an ending ("Annas", "Ben'le"), or one that the text has with an ending.
        let stem = |word: &str, other: &str| other.len() >= 3 && word.len() > other.len() && word.starts_with(other);
        let count = folded.chars().count();
        self.words.iter().any(|known| {
            let difference = known.chars().count().abs_diff(count);
            difference <= 3 && (stem(&folded, known) || stem(known, &folded))
        })
    }

    /// Whether any of its words stands in the text.
    pub(crate) fn speaks_of(&self, text: &str) -> bool {
        words(text).iter().any(|word| word.text.chars().count() > 2 && self.has_word(word.text))
    }

    /// A text without the sentences that hold unfounded words; how many went.
    pub(crate) fn founded(&self, text: &str) -> (String, usize) {
        let mut kept = String::with_capacity(text.len());
        let mut gone = 0;
        for sentence in sentences(text) {
            let mut found = Vec::new();
            self.unfounded_in(sentence, &mut found);
            if found.is_empty() {
                kept.push_str(sentence);
            } else {
                gone += 1;
                // A paragraph ends all the same.
                let space = &sentence[sentence.trim_end().len()..];
                if space.contains('\n') {
                    kept.push_str(space);
                }
            }
        }
        (kept.trim().to_owned(), gone)
    }
}

fn is_capitalized(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground(text: &str) -> Ground {
        let mut ground = Ground::default();
        ground.name("anna_b");
        ground.text(text);
        ground
    }

    #[test]
    fn what_stands_in_the_text_is_founded() {
        let ground =
            ground("Ben pays 1,500 euros on Friday at 10:30 for three tickets to Oslo. Order 5512, ACME's. v2.1");
        for text in [
            "Ben pays 1500 euros.",
            "They meet Ben's friend at 10:30 in Oslo on Friday.",
            "Anna and ACME talk about 3 tickets.",
            "Somebody pays. Payment of order 5512 is due.",
            "The group uses v2.1 now.",
        ] {
            assert_eq!(ground.unfounded(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_stands_nowhere_is_found_and_its_sentence_goes() {
        let ground = ground("Ben pays 1,500 euros on Friday.");
        assert_eq!(ground.unfounded("Ben pays 1,600 euros. He asks Zoe and Zoe."), ["1,600", "Zoe"]);
        assert_eq!(ground.unfounded("Zoe Miller pays."), ["Zoe", "Miller"]);
        assert_eq!(ground.unfounded("On 2027-01-02 he pays."), ["2027-01-02"]);
        let (kept, gone) = ground.founded("Ben pays. He owes 9 euros.\n\nAll is well.");
        assert_eq!((kept.as_str(), gone), ("Ben pays. \n\nAll is well.", 1));
    }

    #[test]
    fn texts_that_capitalize_nouns_are_checked_for_numbers_only() {
        let german = "Wir haben die Zahlung am Montag im Büro mit dem Team und der Leitung besprochen. Danach hat Ben die Rechnung über 300 Euro an die Firma geschickt und den Vertrag geprüft.";
        let ground = ground(german);
        assert_eq!(ground.unfounded("Die Gruppe besprach eine Überweisung von 400 Euro."), ["400"]);
    }

    #[test]
    fn dates_of_messages_may_be_named() {
        let mut ground = Ground::default();
        ground.messages(&[SummaryMessage {
            seq: shared::domain::Seq(1),
            user: shared::domain::UserId::parse("ben").unwrap(),
            content: "Tomorrow!".into(),
            timestamp: shared::domain::Timestamp::parse("2026-03-04T12:00:00Z").unwrap(),
        }]);
        assert!(ground.unfounded("On 2026-03-04 and on March 4 they spoke.").iter().all(|word| word == "March"));
    }
}
