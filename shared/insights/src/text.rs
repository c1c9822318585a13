//! Text to tokens, sentences and languages. The law: one pass, linear in the bytes, whatever they are.

mod clean;
mod document;
mod language;
mod stem;
mod token;

pub(crate) use clean::{clip, normalize, plain};
pub(crate) use document::{Author, Document, End, Sentence};
pub use language::language;
pub(crate) use language::{Language, Tally};
pub(crate) use stem::stem_hash;
pub(crate) use token::{Kind, Token, Tokens};
