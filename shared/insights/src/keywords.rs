//! Keywords: phrases of a stretch, and heavy hitters of a stream.

mod hitters;
mod phrases;

pub(crate) use hitters::Hitters;
pub(crate) use phrases::{Phrase, phrase_key, phrases};
