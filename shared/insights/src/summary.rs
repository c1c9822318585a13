//! The summary of a conversation: the summarize hop's last step.
//! The law: sentences stand in the order of what they tell, and all of them come from the messages.

mod choose;
mod material;
mod names;
mod outline;
mod pleasantry;
mod render;
mod write;

use serde::{Deserialize, Serialize};

use crate::{
    actions::{ActionItem, Finding},
    gist::Gist,
    message::Message,
    sentiment::SentimentScore,
};

pub(crate) use choose::cover;
pub(crate) use material::{Candidate, Material};
pub(crate) use names::heard;
pub(crate) use render::{is_base as is_base_verb, past as past_of, render, task_text, told};

/// What a conversation came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// A few sentences, about 60 words at most. Never empty.
    pub brief: String,
    /// Several paragraphs: what it was about, what was decided, what is to be done, what is open.
    pub detailed: String,
    /// How it sounds as a whole.
    pub sentiment: SentimentScore,
    /// At most 10, best first.
    pub keywords: Vec<String>,
    /// What is to be done, was done or was taken back.
    pub action_items: Vec<ActionItem>,
    /// What was settled.
    pub decisions: Vec<Finding>,
    /// What was asked and not answered.
    pub open_questions: Vec<Finding>,
}

/// The summary of a conversation whose closed segments are given as gists, oldest first and of any
/// level, and whose newest messages follow them. Cost: that of the gists and the tail.
#[must_use]
pub fn fold(gists: &[Gist], tail: &[Message<'_>]) -> Summary {
    let document = crate::text::Document::read(tail);
    let whole = crate::gist::join(gists, &document);
    let material = Material::new(gists, &document, &whole);
    write::summary(&material, &whole)
}
