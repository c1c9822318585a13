//! What is known of single words: valence, rarity and classes, in one table with one probe per
//! token. The law: constant data only, built once from the files in `data/`, never changed.

mod classes;
mod table;

pub(crate) use classes::Classes;
pub(crate) use table::{Entry, RAREST, emoji_valence, entry, fold_hash};
