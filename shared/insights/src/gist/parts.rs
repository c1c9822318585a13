//! The parts of a gist.

use serde::{Deserialize, Serialize};

use crate::summary::{Candidate, Material, render};

/// A sentence worth telling, written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Point {
    #[serde(rename = "s")]
    pub(crate) seq: u64,
    #[serde(rename = "t")]
    pub(crate) text: String,
    /// What its form is worth, in thousandths.
    #[serde(rename = "f")]
    pub(crate) form: i32,
    /// Words as spoken.
    #[serde(rename = "w")]
    pub(crate) words: u32,
}

impl Point {
    pub(crate) fn new(material: &Material<'_>, candidate: &Candidate) -> Self {
        Self {
            seq: candidate.seq,
            text: render(material, candidate),
            form: candidate.form,
            words: u32::try_from(candidate.words).unwrap_or(u32::MAX),
        }
    }
}

/// A word with its count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Term {
    #[serde(rename = "w")]
    pub(crate) word: String,
    #[serde(rename = "n")]
    pub(crate) count: u32,
    #[serde(skip)]
    pub(crate) stem: u64,
    #[serde(skip)]
    pub(crate) rarity: u8,
    #[serde(skip)]
    pub(crate) content: bool,
}

/// Someone who spoke, with how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Voice {
    #[serde(rename = "a")]
    pub(crate) name: String,
    #[serde(rename = "n")]
    pub(crate) messages: u64,
    /// The name heard for a generic id.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(crate) heard: Option<String>,
}
