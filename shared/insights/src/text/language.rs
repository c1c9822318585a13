//! Which language a text is in, by its stop words and script: enough to choose between writing
//! English sentences about it and quoting it as it is.

use serde::{Deserialize, Serialize};

use super::{Kind, Token, Tokens};
use crate::lexicon::Classes;

/// A language that the engine knows stop words of; `Other` is any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Language {
    English,
    Spanish,
    French,
    German,
    Portuguese,
    Italian,
    Dutch,
    Other,
}

const KNOWN: [(Language, Classes); 7] = [
    (Language::English, Classes::STOP_EN),
    (Language::Spanish, Classes::STOP_ES),
    (Language::French, Classes::STOP_FR),
    (Language::German, Classes::STOP_DE),
    (Language::Portuguese, Classes::STOP_PT),
    (Language::Italian, Classes::STOP_IT),
    (Language::Dutch, Classes::STOP_NL),
];

/// Counts that tell a language; they add up over messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) words: u32,
    pub(crate) foreign: u32,
    pub(crate) stops: [u32; 7],
}

impl Tally {
    pub(crate) fn add(&mut self, token: &Token, text: &str) {
        match token.kind {
            Kind::Glyph => {
                self.words += 1;
                self.foreign += 1;
            }
            Kind::Word => {
                self.words += 1;
                // Latin letters with their accents end at U+024F.
                let foreign = text[token.start as usize..].chars().next().is_some_and(|sign| sign > '\u{24f}');
                self.foreign += u32::from(foreign);
                for (at, (_, class)) in KNOWN.iter().enumerate() {
                    self.stops[at] += u32::from(token.is(*class));
                }
            }
            _ => {}
        }
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.words += other.words;
        self.foreign += other.foreign;
        for (mine, theirs) in self.stops.iter_mut().zip(other.stops) {
            *mine += theirs;
        }
    }

    /// The likeliest language. A few words without a stop word pass for English where their script is Latin.
    pub(crate) fn language(&self) -> Language {
        if self.foreign * 2 > self.words {
            return Language::Other;
        }
        let mut best = 0;
        for (at, count) in self.stops.iter().enumerate() {
            if *count > self.stops[best] {
                best = at;
            }
        }
        // English has the longest list here; a rival needs no more than a tie in running text.
        let share = self.stops[best] * 100 / self.words.max(1);
        if self.words >= 8 && share < 12 {
            return Language::Other;
        }
        KNOWN[best].0
    }
}

/// The language of running text in Latin script, as its ISO 639-1 code, where it is beyond doubt: many stop words of
/// it, and no other has half as many. Spanish and Portuguese share too many of theirs to be told apart like this.
#[must_use]
pub fn language(text: &str) -> Option<&'static str> {
    const CODES: [&str; 7] = ["en", "es", "fr", "de", "pt", "it", "nl"];
    let mut tally = Tally::default();
    for token in Tokens::of(text) {
        tally.add(&token, text);
    }
    if tally.words < 12 || tally.foreign * 10 > tally.words {
        return None;
    }
    let (best, most) = tally.stops.iter().enumerate().max_by_key(|(_, count)| **count)?;
    let rivals = tally.stops.iter().enumerate().filter(|(at, _)| *at != best).map(|(_, count)| *count);
    let sure = most * 100 >= tally.words * 20 && rivals.max().unwrap_or(0) * 2 <= *most;
    CODES.get(best).copied().filter(|_| sure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeliest(text: &str) -> Language {
        let mut tally = Tally::default();
        for token in Tokens::of(text) {
            tally.add(&token, text);
        }
        tally.language()
    }

    #[test]
    fn running_text_is_recognized() {
        for (text, expected) in [
            ("Can we move the release to Friday?", Language::English),
            ("¿Podemos mover la reunión al viernes? No tengo tiempo mañana.", Language::Spanish),
            ("Est-ce que nous pouvons déplacer la réunion à vendredi ?", Language::French),
            ("Können wir das Treffen auf Freitag verschieben? Ich habe keine Zeit.", Language::German),
            ("Podemos mudar a reunião para sexta? Não tenho tempo amanhã.", Language::Portuguese),
            ("Possiamo spostare la riunione a venerdì? Non ho tempo domani.", Language::Italian),
            ("Kunnen we de vergadering naar vrijdag verplaatsen? Ik heb geen tijd.", Language::Dutch),
            ("会議を金曜日に移動できますか", Language::Other),
            ("Можем перенести встречу на пятницу?", Language::Other),
            ("hi", Language::English),
        ] {
            assert_eq!(likeliest(text), expected, "{text}");
        }
    }
}
