//! Action items, decisions and open questions: part of the summarize hop.
//! The law: every item points at the messages that it was taken from, and an owner is named only
//! where the text names one or the speaker takes it on.

mod cues;
mod due;
mod find;
mod owner;
mod rank;
mod replies;
mod settle;
mod speech;
mod weights;

use serde::{Deserialize, Serialize};

pub(crate) use cues::{asks, asks_for_work};
pub(crate) use find::{Asked, Findings, Task, find};

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionItem {
    /// What is to be done, in the words of the conversation.
    pub text: String,
    /// Who does it: named in the text, or who took it on.
    pub owner: Option<String>,
    /// By when.
    pub due: Option<Due>,
    /// Where it stands at the end of what was read.
    pub status: ActionStatus,
    /// Numbers of the messages that say so, ascending.
    pub evidence: Vec<u64>,
}

/// A date with the words that it was read from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// `YYYY-MM-DD`, resolved against the message's own time in UTC.
    pub date: String,
    /// The words, as written.
    pub words: String,
}

/// Where an action item stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionStatus {
    /// To be done.
    #[default]
    Open,
    /// Someone said that it is done.
    Done,
    /// Someone took it back.
    Superseded,
}

/// A decision or a question, with the messages that it stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was decided or asked.
    pub text: String,
    /// Numbers of the messages, ascending.
    pub evidence: Vec<u64>,
}

/// The first date that a text names, resolved against a time in UTC milliseconds: "by Friday", "in 3 days".
#[must_use]
pub fn due(text: &str, at_ms: i64) -> Option<Due> {
    let tokens: Vec<crate::text::Token> = crate::text::Tokens::of(text).collect();
    due::due(&tokens, text, at_ms)
}
