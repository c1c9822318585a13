//! Message ids made from the source. Law: the same entry gives the same id, whenever and wherever it is read.

use sha2::{Digest as _, Sha256};
use shared::domain::ids::MAX_ID_CHARS;

/// An id of the source's own, with where it is unique: `slack:general:1355517523.000005`.
pub(crate) fn own(format: &str, scope: &str, id: &str) -> String {
    let plain = format!("{format}:{scope}:{id}");
    if plain.chars().count() <= MAX_ID_CHARS && !plain.chars().any(char::is_control) {
        return plain;
    }
    made(format, &[scope, id])
}

/// An id for an entry that has none: half a SHA-256 over what tells it from others.
pub(crate) fn made(format: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finalize()[..16]);
    format!("{format}:{:032x}", u128::from_be_bytes(half))
}
