//! What is known of conversations without asking. Law: holds only what a majority read or a majority-confirmed write
//! of our own has shown, and for a limited time; what turns out to be old is found out by the write itself.

use std::time::{Duration, Instant};

use quick_cache::sync::Cache;

use super::super::place::Cid;
use super::tail::Tail;

/// Conversations whose place is known: about 10 MB when full.
const CONVERSATIONS: usize = 65_536;
/// How long a place is believed. The records of an erased conversation stay for longer than that, as tombstones, so
/// that whoever still believes in the old place meets them.
pub(super) const BELIEVED: Duration = Duration::from_mins(10);

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) cid: Cid,
    pub(super) tail: Tail,
}

/// The caches of one process. Conversations are named by their first epoch here.
pub(super) struct Heads {
    places: Cache<Cid, (Place, Instant)>,
    /// Up to where records are known to count.
    counted: Cache<Cid, u64>,
    /// In which epoch a conversation lives, where that is not the first.
    epochs: Cache<Cid, u64>,
}

impl Heads {
    pub(super) fn new() -> Self {
        let cache = || Cache::new(CONVERSATIONS);
        Self { places: Cache::new(CONVERSATIONS), counted: cache(), epochs: cache() }
    }

    /// Where a conversation stood lately.
    pub(super) fn place(&self, name: Cid) -> Option<Place> {
        let (place, since) = self.places.get(&name)?;
        (since.elapsed() < BELIEVED).then_some(place)
    }

    /// A conversation stands here.
    pub(super) fn stands(&self, name: Cid, place: Place) {
        self.places.insert(name, (place, Instant::now()));
        self.counts(place.cid, place.tail.seq);
    }

    /// Nothing is known of a conversation any more.
    pub(super) fn forget(&self, name: Cid) {
        self.places.remove(&name);
    }

    /// Up to where records are known to count.
    pub(super) fn counted(&self, cid: Cid) -> u64 {
        self.counted.get(&cid).unwrap_or(0)
    }

    /// Records up to this one count.
    pub(super) fn counts(&self, cid: Cid, seq: u64) {
        if seq > self.counted(cid) {
            self.counted.insert(cid, seq);
        }
    }

    /// The epoch in which a conversation lives, as far as it is known.
    pub(super) fn epoch(&self, name: Cid) -> u64 {
        self.epochs.get(&name).unwrap_or(0)
    }

    /// A conversation lives in this epoch.
    pub(super) fn lives(&self, name: Cid, epoch: u64) {
        if epoch > self.epoch(name) {
            self.epochs.insert(name, epoch);
            self.places.remove(&name);
        }
    }
}
