//! One message: valences of its words after negation, intensifiers, contrast, capitals and marks.
//! The rules follow VADER (Hutto & Gilbert, ICWSM 2014), with a wider neutral band.

use super::{Sentiment, SentimentScore, rounded};
use crate::{
    lexicon::Classes,
    text::{Kind, Token, Tokens},
};

/// Scores from which a message is positive or negative. Praise is worded more strongly than blame.
const POSITIVE: f64 = 0.3;
const NEGATIVE: f64 = -0.15;
/// What an exclamation mark is worth where no word has a valence ("Done!"), "?!", and a second question mark.
const CALLED_OUT: f64 = 1.4;
const DISMAY: f64 = 1.5;
const INSISTED: f64 = 1.0;
/// Softens the sum into -1..1, as VADER does.
const ALPHA: f64 = 15.0;
const NEGATED: f64 = -0.74;
const BOOSTED: f64 = 0.293;
const SHOUTED: f64 = 0.733;

/// Class and score of one message.
#[must_use]
pub fn message_sentiment(text: &str) -> SentimentScore {
    let mut reader = Reader::new();
    for token in Tokens::of(text) {
        reader.read(&token, text);
    }
    reader.score()
}

/// Reads tokens one by one and keeps what the rules need of the last three.
pub(crate) struct Reader {
    sum: f64,
    /// Sum when the last "but" was met: what stands before it counts half.
    before_contrast: f64,
    recent: [Recent; 3],
    words: u32,
    shouted: u32,
    exclamations: u32,
    questions: u32,
}

#[derive(Clone, Copy, Default)]
struct Recent {
    negates: bool,
    boost: f64,
}

impl Reader {
    pub(crate) const fn new() -> Self {
        let none = Recent { negates: false, boost: 0.0 };
        Self { sum: 0.0, before_contrast: 0.0, recent: [none; 3], words: 0, shouted: 0, exclamations: 0, questions: 0 }
    }

    pub(crate) fn read(&mut self, token: &Token, text: &str) {
        match token.kind {
            Kind::Mark => match token.mark {
                '!' | '！' => self.exclamations += 1,
                '?' | '？' => self.questions += 1,
                '.' | ';' => self.recent = [Recent::default(); 3],
                _ => {}
            },
            Kind::Emoji => self.sum += f64::from(token.valence) / 10.0,
            Kind::Word => self.word(token, text),
            _ => {}
        }
    }

    fn word(&mut self, token: &Token, text: &str) {
        self.words += 1;
        let word = token.text(text);
        let shouts = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase());
        self.shouted += u32::from(shouts);
        if word.eq_ignore_ascii_case("but") || word.eq_ignore_ascii_case("however") {
            self.before_contrast = self.sum;
        }
        let negates = token.is(Classes::NEGATION);
        let boost = if token.is(Classes::BOOST) {
            BOOSTED
        } else if token.is(Classes::DAMP) {
            -BOOSTED
        } else {
            0.0
        };
        if token.valence != 0 {
            self.sum += self.valence(token, shouts && self.shouted < self.words);
        }
        self.recent = [Recent { negates, boost }, self.recent[0], self.recent[1]];
    }

    fn valence(&self, token: &Token, shouts: bool) -> f64 {
        let mut valence = f64::from(token.valence) / 10.0;
        let sign = valence.signum();
        if shouts {
            valence += SHOUTED * sign;
        }
        for (recent, near) in self.recent.iter().zip([1.0, 0.95, 0.9]) {
            valence += recent.boost * near * sign;
        }
        if self.recent.iter().any(|recent| recent.negates) {
            valence *= NEGATED;
        }
        valence
    }

    pub(crate) fn score(&self) -> SentimentScore {
        let mut sum = self.before_contrast * 0.5
            + (self.sum - self.before_contrast) * if self.before_contrast == 0.0 { 1.0 } else { 1.5 };
        if sum != 0.0 {
            sum += 0.292 * f64::from(self.exclamations.min(4)) * sum.signum();
        }
        if sum == 0.0 && self.questions == 0 {
            sum += CALLED_OUT * f64::from(self.exclamations.min(3));
        }
        // Who asks something pleasant is not pleased yet.
        if self.questions > 0 && sum > 0.0 {
            sum *= 0.5;
        }
        if self.questions > 0 && self.exclamations > 0 && sum < 0.7 {
            sum -= DISMAY;
        }
        if self.questions > 1 {
            sum -= INSISTED;
        }
        let score = rounded(sum / (sum * sum + ALPHA).sqrt());
        SentimentScore { class: class(score), score }
    }
}

fn class(score: f64) -> Sentiment {
    if score >= POSITIVE {
        Sentiment::Positive
    } else if score <= NEGATIVE {
        Sentiment::Negative
    } else {
        Sentiment::Neutral
    }
}
