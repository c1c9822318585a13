//! Maps keyed by word hashes, which need no second hash. For look-ups: their order is never seen.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
};

/// A map by word hash.
pub(crate) type HashedMap<V> = HashMap<u64, V, BuildHasherDefault<Folded>>;
/// A set of word hashes.
pub(crate) type HashedSet = HashSet<u64, BuildHasherDefault<Folded>>;

/// Takes a `u64` as it is, its high half folded in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = (key ^ (key >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
