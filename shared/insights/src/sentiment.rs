//! How a message sounds, and how a conversation does: part of the project and the summarize hop.
//! The law: the class follows from the score alone, and the score from the text alone.

mod conversation;
mod message;

use serde::{Deserialize, Serialize};

pub(crate) use conversation::Mood;
pub(crate) use message::Reader as MessageReader;
pub use message::message_sentiment;

/// Class of a message or a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sentiment {
    /// Glad, thankful, approving.
    Positive,
    /// Neither, or both alike.
    #[default]
    Neutral,
    /// Angry, sad, worried, refusing.
    Negative,
}

/// A class with the score that it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SentimentScore {
    /// The class.
    pub class: Sentiment,
    /// -1 (worst) to 1 (best), rounded to 3 decimals.
    pub score: f64,
}

/// A figure as an integer, in thousandths, so that sums and ranks are exact.
#[expect(clippy::cast_possible_truncation, reason = "scores and weights are far below 2^53 thousandths")]
pub(crate) fn thousandths(figure: f64) -> i64 {
    (figure * 1000.0).round() as i64
}

/// Three decimals, and no negative zero.
pub(crate) fn rounded(score: f64) -> f64 {
    (score.clamp(-1.0, 1.0) * 1000.0).round() / 1000.0 + 0.0
}
