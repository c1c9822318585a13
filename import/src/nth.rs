//! Tells equal messages of one minute apart, in bounded memory.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// More different messages than this in one minute are no longer looked up, only counted.
const KNOWN: usize = 65_536;

/// Counts equal messages at one point in time.
#[derive(Debug, Default)]
pub(crate) struct Nth {
    now: Option<i64>,
    seen: HashMap<u64, u64>,
    further: u64,
}

impl Nth {
    /// How often this author said this at that time before. Times may only be forgotten when another one comes.
    pub(crate) fn count(&mut self, at: i64, author: &str, text: &str) -> u64 {
        if self.now != Some(at) {
            self.now = Some(at);
            self.seen.clear();
            self.further = 0;
        }
        let mut hasher = DefaultHasher::new();
        (author, text).hash(&mut hasher);
        let hash = hasher.finish();
        if self.seen.len() >= KNOWN && !self.seen.contains_key(&hash) {
            self.further += 1;
            return self.further;
        }
        let count = self.seen.entry(hash).or_insert(0);
        *count += 1;
        *count - 1
    }
}
