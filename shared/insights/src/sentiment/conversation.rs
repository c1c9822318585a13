//! A conversation: shares of its positive and negative messages, as integers, so that any order of
//! adding up gives the same bytes.

use serde::{Deserialize, Serialize};

use super::{Sentiment, SentimentScore, rounded};

/// Share of positive minus share of negative messages from which a conversation is no longer
/// neutral. Politeness makes some messages of any conversation positive.
const POSITIVE: f64 = 0.3;
const NEGATIVE: f64 = -0.1;

/// Counts of messages by class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mood {
    pub(crate) messages: u64,
    pub(crate) positive: u64,
    pub(crate) negative: u64,
}

impl Mood {
    pub(crate) fn add(&mut self, class: Sentiment) {
        self.messages += 1;
        match class {
            Sentiment::Positive => self.positive += 1,
            Sentiment::Negative => self.negative += 1,
            Sentiment::Neutral => {}
        }
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.messages += other.messages;
        self.positive += other.positive;
        self.negative += other.negative;
    }

    pub(crate) fn score(self) -> SentimentScore {
        if self.messages == 0 {
            return SentimentScore::default();
        }
        let score = rounded((self.positive as f64 - self.negative as f64) / self.messages as f64);
        let class = if score >= POSITIVE {
            Sentiment::Positive
        } else if score <= NEGATIVE {
            Sentiment::Negative
        } else {
            Sentiment::Neutral
        };
        SentimentScore { class, score }
    }
}
