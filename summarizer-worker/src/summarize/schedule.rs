//! When which conversation is to be summarized next: in order of time, bounded, in memory only.
//!
//! Law: losing an entry loses nothing, since the sweep finds every conversation with uncovered messages.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use parking_lot::Mutex;
use shared::domain::{ConversationKey, Timestamp, Trigger};
use tokio::sync::Notify;

/// Whether enough has come for a conversation that is held is looked for this often at most, however fast it comes.
const LOOK: Duration = Duration::from_secs(10);

/// Conversations by the time at which they are due.
pub(crate) struct Schedule {
    entries: Mutex<Entries>,
    capacity: usize,
    changed: Notify,
}

#[derive(Default)]
struct Entries {
    by_time: BTreeSet<(Timestamp, ConversationKey)>,
    by_key: HashMap<ConversationKey, Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    at: Timestamp,
    trigger: Trigger,
    /// While it is held: from when on more messages have it looked at.
    held: Option<Timestamp>,
}

/// What the schedule says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This one is due; it is no longer in the schedule.
    Due(ConversationKey, Trigger),
    /// Nothing before then.
    At(Timestamp),
    /// Nothing at all.
    Empty,
}

impl Schedule {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: Mutex::default(), capacity: capacity.max(1), changed: Notify::new() }
    }

    /// There is more of a conversation, which is due at `at`; what was known of it before no longer holds. One that is
    /// held is looked at then, but not too often, unless this presses. A full schedule keeps the earliest.
    pub(crate) fn put(&self, key: &ConversationKey, at: Timestamp, trigger: Trigger, now: Timestamp) {
        let mut entries = self.entries.lock();
        let known = entries.by_key.get(key).filter(|_| !presses(trigger));
        // Nothing is held for longer than that: the clock has jumped.
        let held = known.and_then(|known| known.held.map(|from| (known.at, from)));
        let entry = match held.filter(|(_, from)| *from <= now.plus(LOOK)) {
            Some((until, from)) => Entry { at: until.min(at.max(from)), trigger, held: Some(from) },
            None => Entry { at, trigger, held: None },
        };
        entries.enter(key, entry, self.capacity);
        drop(entries);
        self.changed.notify_one();
    }

    /// A conversation waits for more messages, until then at most; its end or a change are not held.
    pub(crate) fn hold(&self, key: &ConversationKey, until: Timestamp, trigger: Trigger, now: Timestamp) {
        let mut entries = self.entries.lock();
        let known = entries.by_key.get(key);
        if known.is_some_and(|known| presses(known.trigger)) {
            return;
        }
        let from = now.plus(LOOK);
        // What has come meanwhile was not looked at.
        let at = known.map_or(until, |known| until.min(known.at.max(from)));
        entries.enter(key, Entry { at, trigger, held: Some(from) }, self.capacity);
        drop(entries);
        self.changed.notify_one();
    }

    /// A conversation is due at `at`, if nothing is known of it.
    pub(crate) fn put_new(&self, key: &ConversationKey, at: Timestamp, trigger: Trigger) {
        let mut entries = self.entries.lock();
        if !entries.by_key.contains_key(key) {
            entries.enter(key, Entry { at, trigger, held: None }, self.capacity);
            drop(entries);
            self.changed.notify_one();
        }
    }

    pub(crate) fn remove(&self, key: &ConversationKey) {
        self.entries.lock().remove(key);
    }

    /// Takes the earliest entry, if it is due.
    pub(crate) fn take(&self, now: Timestamp) -> Next {
        let mut entries = self.entries.lock();
        let Some((at, key)) = entries.by_time.first().cloned() else { return Next::Empty };
        if at > now {
            return Next::At(at);
        }
        let trigger = entries.remove(&key).unwrap_or(Trigger::Silence);
        if !entries.by_time.is_empty() {
            // Another lane may take the next one.
            self.changed.notify_one();
        }
        Next::Due(key, trigger)
    }

    /// Whether anything is due.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.entries.lock().by_time.first().is_some_and(|(at, _)| *at <= now)
    }

    /// Waits until something was put in.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

/// Whether a summary for this reason waits for nothing.
fn presses(trigger: Trigger) -> bool {
    matches!(trigger, Trigger::End | Trigger::Change)
}

impl Entries {
    fn enter(&mut self, key: &ConversationKey, entry: Entry, capacity: usize) {
        self.remove(key);
        if self.by_time.len() >= capacity {
            if self.by_time.last().is_some_and(|(last, _)| *last <= entry.at) {
                return;
            }
            self.drop_last();
        }
        self.by_time.insert((entry.at, key.clone()));
        self.by_key.insert(key.clone(), entry);
    }

    fn remove(&mut self, key: &ConversationKey) -> Option<Trigger> {
        let Entry { at, trigger, .. } = self.by_key.remove(key)?;
        self.by_time.remove(&(at, key.clone()));
        Some(trigger)
    }

    fn drop_last(&mut self) {
        if let Some((_, key)) = self.by_time.pop_last() {
            self.by_key.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::domain::{ConversationId, TenantId};

    use super::*;

    fn key(name: &str) -> ConversationKey {
        ConversationKey::new(TenantId::public(), ConversationId::parse(name).unwrap())
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_latest_word_on_a_conversation_holds() {
        let schedule = Schedule::new(10);
        schedule.put(&key("a"), at(5), Trigger::Count, at(0));
        schedule.put(&key("a"), at(9), Trigger::Silence, at(0));
        assert_eq!(schedule.take(at(5)), Next::At(at(9)));
        assert_eq!(schedule.take(at(9)), Next::Due(key("a"), Trigger::Silence));
        assert_eq!(schedule.take(at(9)), Next::Empty);
    }

    #[test]
    fn what_is_held_is_not_looked_at_too_often() {
        let schedule = Schedule::new(10);
        let (look, until) = (at(10_000), at(60_000));
        schedule.hold(&key("a"), until, Trigger::Silence, at(0));
        assert_eq!(schedule.take(look), Next::At(until), "without a word nobody looks");
        for n in 1..5 {
            schedule.put(&key("a"), at(n), Trigger::Count, at(n));
            assert_eq!(schedule.take(at(n)), Next::At(look));
        }
        assert_eq!(schedule.take(look), Next::Due(key("a"), Trigger::Count));
        schedule.put(&key("a"), at(10_001), Trigger::Count, at(10_001));
        assert_eq!(schedule.take(at(10_001)), Next::Due(key("a"), Trigger::Count), "it was held once");
        // What comes while a lane looks is looked at, too; and nothing makes it wait for longer.
        schedule.put(&key("a"), at(10_001), Trigger::Count, at(10_001));
        schedule.hold(&key("a"), until, Trigger::Count, at(10_002));
        assert_eq!(schedule.take(at(10_002)), Next::At(at(20_002)));
        schedule.put(&key("a"), at(70_000), Trigger::Silence, at(10_003));
        assert_eq!(schedule.take(at(10_003)), Next::At(at(20_002)));
    }

    #[test]
    fn what_presses_is_not_held() {
        let schedule = Schedule::new(10);
        for trigger in [Trigger::End, Trigger::Change] {
            schedule.hold(&key("a"), at(60_000), Trigger::Count, at(0));
            schedule.put(&key("a"), at(5), trigger, at(5));
            schedule.hold(&key("a"), at(60_000), Trigger::Count, at(5));
            assert_eq!(schedule.take(at(5)), Next::Due(key("a"), trigger));
        }
    }

    #[test]
    fn nothing_is_held_by_a_clock_that_has_jumped_back() {
        let schedule = Schedule::new(10);
        let later = |millis: i64| at(3_600_000 + millis);
        schedule.hold(&key("a"), later(60_000), Trigger::Count, later(0));
        schedule.put(&key("a"), at(1), Trigger::Count, at(1));
        assert_eq!(schedule.take(at(1)), Next::Due(key("a"), Trigger::Count));
    }

    #[test]
    fn a_full_schedule_keeps_the_earliest() {
        let schedule = Schedule::new(2);
        for (name, time) in [("c", 3), ("b", 2), ("d", 4), ("a", 1)] {
            schedule.put(&key(name), at(time), Trigger::Silence, at(0));
        }
        assert_eq!(schedule.take(at(9)), Next::Due(key("a"), Trigger::Silence));
        assert_eq!(schedule.take(at(9)), Next::Due(key("b"), Trigger::Silence));
        assert_eq!(schedule.take(at(9)), Next::Empty);
    }
}
