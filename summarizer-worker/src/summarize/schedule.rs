//! When which conversation is to be summarized next: in order of time, bounded, in memory only.
//!
//! Law: losing an entry loses nothing, since the sweep finds every conversation with uncovered messages.

use std::collections::{BTreeSet, HashMap};

use parking_lot::Mutex;
use shared::domain::{ConversationKey, Timestamp, Trigger};
use tokio::sync::Notify;

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
    /// Whether more messages are no reason to look at it sooner.
    held: bool,
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

    /// A conversation is due at `at`; what was known of it before no longer holds, unless it is held and this does not
    /// press. A full schedule keeps the earliest.
    pub(crate) fn put(&self, key: &ConversationKey, at: Timestamp, trigger: Trigger) {
        let mut entries = self.entries.lock();
        if presses(trigger) || entries.by_key.get(key).is_none_or(|known| !known.held) {
            entries.enter(key, Entry { at, trigger, held: false }, self.capacity);
        }
        drop(entries);
        self.changed.notify_one();
    }

    /// A conversation waits for more messages and is looked at when it is `at`; nothing but its end or a change has it
    /// looked at sooner.
    pub(crate) fn hold(&self, key: &ConversationKey, at: Timestamp, trigger: Trigger) {
        let mut entries = self.entries.lock();
        if entries.by_key.get(key).is_none_or(|known| !presses(known.trigger)) {
            entries.enter(key, Entry { at, trigger, held: true }, self.capacity);
        }
        drop(entries);
        self.changed.notify_one();
    }

    /// As [`Self::put`], for a conversation that is not in the schedule.
    pub(crate) fn put_new(&self, key: &ConversationKey, at: Timestamp, trigger: Trigger) {
        if !self.entries.lock().by_key.contains_key(key) {
            self.put(key, at, trigger);
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
        schedule.put(&key("a"), at(5), Trigger::Count);
        schedule.put(&key("a"), at(9), Trigger::Silence);
        assert_eq!(schedule.take(at(5)), Next::At(at(9)));
        assert_eq!(schedule.take(at(9)), Next::Due(key("a"), Trigger::Silence));
        assert_eq!(schedule.take(at(9)), Next::Empty);
    }

    #[test]
    fn what_is_held_is_looked_at_in_its_time_unless_it_presses() {
        let schedule = Schedule::new(10);
        schedule.hold(&key("a"), at(9), Trigger::Count);
        schedule.put(&key("a"), at(5), Trigger::Count);
        assert_eq!(schedule.take(at(5)), Next::At(at(9)), "more messages do not change that");
        assert_eq!(schedule.take(at(9)), Next::Due(key("a"), Trigger::Count));
        schedule.put(&key("a"), at(5), Trigger::Count);
        assert_eq!(schedule.take(at(5)), Next::Due(key("a"), Trigger::Count), "it was held once");
        for trigger in [Trigger::End, Trigger::Change] {
            schedule.hold(&key("a"), at(9), Trigger::Count);
            schedule.put(&key("a"), at(5), trigger);
            schedule.hold(&key("a"), at(9), Trigger::Count);
            assert_eq!(schedule.take(at(5)), Next::Due(key("a"), trigger));
        }
    }

    #[test]
    fn a_full_schedule_keeps_the_earliest() {
        let schedule = Schedule::new(2);
        for (name, time) in [("c", 3), ("b", 2), ("d", 4), ("a", 1)] {
            schedule.put(&key(name), at(time), Trigger::Silence);
        }
        assert_eq!(schedule.take(at(9)), Next::Due(key("a"), Trigger::Silence));
        assert_eq!(schedule.take(at(9)), Next::Due(key("b"), Trigger::Silence));
        assert_eq!(schedule.take(at(9)), Next::Empty);
    }
}
