//! How many messages there are, counted in memory from a number that was read once. Law: between two readings every
//! message of this process counts exactly once; what other processes store is seen at the next reading.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// How long a reading is believed.
pub(super) const BELIEVED: Duration = Duration::from_secs(30);
/// After a reading began, so long no other one is made: neither beside it nor after its failure.
const APART: Duration = Duration::from_secs(5);
/// Names that are counted at once; further ones push out those that nobody posts to.
const MOST: usize = 10_000;

#[derive(Default)]
struct Count {
    /// Read, and stored by this process since.
    stored: u64,
    /// On the way.
    held: u64,
    /// What this process has stored in all, so that what came during a reading is known.
    settled: u64,
    /// When the last reading began.
    began: Option<Instant>,
    /// From when on it is read again; at once, if that was never said.
    read_again: Option<Instant>,
}

/// What must be done before something is counted.
pub(super) enum Next {
    /// Nothing.
    Go,
    /// Read how many there are, then call [`Counts::read`] with this.
    Read(Reading),
}

/// Where a count stood when a reading began.
pub(super) struct Reading {
    stored: u64,
    settled: u64,
    began: Instant,
}

/// Counts by name.
pub(super) struct Counts<K>(HashMap<K, Count>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash> Counts<K> {
    /// Whether what is known will do. One of those who find an old reading makes a new one; the others go on with what
    /// is known meanwhile.
    pub(super) fn next(&mut self, name: &K, now: Instant) -> Next {
        self.make_room(now);
        let count = self.0.entry(name.clone()).or_default();
        if count.read_again.is_some_and(|at| now < at) {
            return Next::Go;
        }
        (count.began, count.read_again) = (Some(now), Some(now + APART));
        Next::Read(Reading { stored: count.stored, settled: count.settled, began: now })
    }

    /// A reading has ended, with a number or without.
    pub(super) fn read(&mut self, name: &K, reading: &Reading, found: Option<u64>) {
        let Some(count) = self.0.get_mut(name) else { return };
        let Some(found) = found else { return };
        count.stored = if found < reading.stored {
            // Something was erased. What was stored during the reading may be in it or not.
            found + (count.settled - reading.settled)
        } else {
            // Whatever this process has stored is counted; more than that others have stored.
            count.stored.max(found)
        };
        count.read_again = Some(reading.began + BELIEVED);
    }

    /// Holds room for messages on their way; false if that would be more than `most`.
    pub(super) fn hold(&mut self, name: &K, messages: u64, most: u64) -> bool {
        let count = self.0.entry(name.clone()).or_default();
        if count.stored.saturating_add(count.held).saturating_add(messages) > most {
            return false;
        }
        count.held += messages;
        true
    }

    /// Of the messages held, so many were stored.
    pub(super) fn settle(&mut self, name: &K, held: u64, stored: u64) {
        let Some(count) = self.0.get_mut(name) else { return };
        count.held = count.held.saturating_sub(held);
        count.stored += stored;
        count.settled += stored;
    }

    /// What is known of a name is not true any more.
    pub(super) fn forget(&mut self, name: &K) {
        if let Some(count) = self.0.get_mut(name) {
            count.read_again = None;
        }
    }

    /// What is known of a name may not be true any more: it is read again, but not more often than now and then.
    pub(super) fn doubt(&mut self, name: &K) {
        if let Some(count) = self.0.get_mut(name) {
            let soon = count.began.map(|began| began + APART);
            count.read_again = count.read_again.min(soon);
        }
    }

    fn make_room(&mut self, now: Instant) {
        if self.0.len() < MOST {
            return;
        }
        self.0.retain(|_, count| count.held > 0 || count.read_again.is_some_and(|at| now < at));
        if self.0.len() >= MOST {
            self.0.retain(|_, count| count.held > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(counts: &mut Counts<&'static str>, now: Instant) -> Reading {
        match counts.next(&"a", now) {
            Next::Read(reading) => reading,
            Next::Go => panic!("what is known was believed"),
        }
    }

    #[test]
    fn the_last_message_of_a_quota_passes_and_one_more_does_not() {
        let (mut counts, now) = (Counts::default(), Instant::now());
        let first = reading(&mut counts, now);
        counts.read(&"a", &first, Some(7));
        assert!(matches!(counts.next(&"a", now), Next::Go));
        assert!(!counts.hold(&"a", 4, 10));
        assert!(counts.hold(&"a", 3, 10));
        assert!(!counts.hold(&"a", 1, 10), "what is on its way counts");
        counts.settle(&"a", 3, 2);
        assert!(counts.hold(&"a", 1, 10), "what was not stored does not");
        counts.settle(&"a", 1, 1);
        assert!(!counts.hold(&"a", 1, 10));
        assert!(counts.hold(&"b", 10, 10), "another name has its own");
    }

    #[test]
    fn an_old_reading_is_made_anew_by_one_while_others_go_on() {
        let (mut counts, now) = (Counts::default(), Instant::now());
        let first = reading(&mut counts, now);
        counts.read(&"a", &first, Some(5));
        let later = now + BELIEVED;
        let second = reading(&mut counts, later);
        assert!(matches!(counts.next(&"a", later), Next::Go));
        // Stored during the reading, which does not show it yet.
        assert!(counts.hold(&"a", 1, 10));
        counts.settle(&"a", 1, 1);
        counts.read(&"a", &second, Some(5));
        assert!(counts.hold(&"a", 4, 10) && !counts.hold(&"a", 1, 10));
        counts.settle(&"a", 4, 0);
        let third = reading(&mut counts, later + BELIEVED);
        counts.read(&"a", &third, Some(9));
        assert!(!counts.hold(&"a", 2, 10), "others have stored");
    }

    #[test]
    fn what_was_erased_is_free_again_and_a_failed_reading_is_repeated() {
        let (mut counts, now) = (Counts::default(), Instant::now());
        let first = reading(&mut counts, now);
        counts.read(&"a", &first, Some(10));
        counts.forget(&"a");
        let failed = reading(&mut counts, now);
        counts.read(&"a", &failed, None);
        assert!(!counts.hold(&"a", 1, 10));
        assert!(matches!(counts.next(&"a", now), Next::Go), "not again at once");
        let again = reading(&mut counts, now + APART);
        counts.read(&"a", &again, Some(0));
        assert!(counts.hold(&"a", 10, 10));
    }

    #[test]
    fn doubts_lead_to_a_reading_now_and_then() {
        let (mut counts, now) = (Counts::default(), Instant::now());
        let first = reading(&mut counts, now);
        counts.read(&"a", &first, Some(10));
        for _ in 0..3 {
            counts.doubt(&"a");
            assert!(matches!(counts.next(&"a", now), Next::Go), "not so soon after the last one");
        }
        let again = reading(&mut counts, now + APART);
        counts.read(&"a", &again, Some(4));
        assert!(counts.hold(&"a", 6, 10));
        counts.doubt(&"b");
        assert_eq!(counts.0.len(), 1, "nothing is kept of names that nobody posts to");
    }

    #[test]
    fn memory_is_bounded_and_what_is_on_its_way_stays() {
        let (mut counts, now) = (Counts::default(), Instant::now());
        counts.next(&0, now);
        counts.read(&0, &Reading { stored: 0, settled: 0, began: now }, Some(3));
        assert!(counts.hold(&0, 5, 10));
        for name in 1..=2 * MOST {
            if let Next::Read(reading) = counts.next(&name, now) {
                counts.read(&name, &reading, Some(1));
            }
        }
        assert!(counts.0.len() <= MOST);
        assert!(!counts.hold(&0, 3, 10));
    }
}
