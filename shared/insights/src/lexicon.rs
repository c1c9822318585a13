//! What is known of single words: valence, rarity and classes, in one table with one probe per
//! token. The law: constant data only, built once from the files in `data/`, never changed.

mod classes;
mod keys;
mod table;

pub(crate) use classes::Classes;
pub(crate) use keys::{HashedMap, HashedSet};
pub(crate) use table::{Entry, emoji_valence, entry, fold_hash};
