//! Which conversations to load when. Law: a conversation is loaded by one load at a time, at once when something
//! important happened, else at most once a second; only conversations with listeners are known here.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use shared::domain::ConversationKey;
use tokio::sync::watch;
use tokio::time::Instant;

use super::board::{Board, INSIGHTS_EVERY};
use crate::query::SummaryType;

/// Insights wait this long for the summary that the same messages may make due: both are then loaded and sent at once.
const GATHER: Duration = Duration::from_millis(25);

/// A conversation that somebody listens to.
#[derive(Debug)]
pub struct Room {
    id: u64,
    /// Which conversation.
    pub key: ConversationKey,
    /// What its listeners see.
    pub board: watch::Sender<Board>,
}

/// A conversation to be loaded now.
#[derive(Debug, Clone)]
pub struct Due {
    /// Whose board to fill.
    pub room: Arc<Room>,
    /// Somebody wants the brief text.
    pub brief: bool,
    /// Somebody wants the detailed text.
    pub detailed: bool,
    /// The end was announced since the last load.
    pub ended: bool,
}

#[derive(Debug)]
struct Entry {
    room: Arc<Room>,
    brief: usize,
    detailed: usize,
    due: Option<Instant>,
    loading: bool,
    loaded_at: Option<Instant>,
    ended: bool,
}

/// All conversations with listeners.
#[derive(Debug, Default)]
pub struct Schedule {
    ids: HashMap<ConversationKey, u64>,
    entries: HashMap<u64, Entry>,
    due: BTreeSet<(Instant, u64)>,
    last_id: u64,
}

impl Entry {
    fn listeners(&mut self, summary_type: SummaryType) -> &mut usize {
        match summary_type {
            SummaryType::Brief => &mut self.brief,
            SummaryType::Detailed => &mut self.detailed,
        }
    }
}

impl Schedule {
    /// One more listener. A conversation or a type of summary that nobody wanted so far is due at once.
    pub fn join(&mut self, key: &ConversationKey, summary_type: SummaryType, now: Instant) -> Arc<Room> {
        let id = *self.ids.entry(key.clone()).or_insert_with(|| {
            self.last_id += 1;
            self.last_id
        });
        let entry = self.entries.entry(id).or_insert_with(|| Entry {
            room: Arc::new(Room { id, key: key.clone(), board: watch::Sender::new(Board::default()) }),
            brief: 0,
            detailed: 0,
            due: None,
            loading: false,
            loaded_at: None,
            ended: false,
        });
        *entry.listeners(summary_type) += 1;
        let first = *entry.listeners(summary_type) == 1;
        let room = Arc::clone(&entry.room);
        if first {
            self.set_due(id, now);
        }
        room
    }

    /// One listener less. A conversation without any is forgotten.
    pub fn leave(&mut self, room: &Room, summary_type: SummaryType) {
        let Some(entry) = self.entries.get_mut(&room.id) else { return };
        let listeners = entry.listeners(summary_type);
        *listeners = listeners.saturating_sub(1);
        if entry.brief + entry.detailed == 0 {
            self.forget(room);
        }
    }

    /// Nothing more will be shown there; who asks for the conversation from now on gets a new room.
    pub fn forget(&mut self, room: &Room) {
        let Some(entry) = self.entries.remove(&room.id) else { return };
        self.ids.remove(&room.key);
        if let Some(due) = entry.due {
            self.due.remove(&(due, room.id));
        }
    }

    /// The room of a conversation, if anybody listens.
    #[must_use]
    pub fn room(&self, key: &ConversationKey) -> Option<&Arc<Room>> {
        self.ids.get(key).and_then(|id| self.entries.get(id)).map(|entry| &entry.room)
    }

    /// How many listen to a conversation.
    #[must_use]
    pub fn listeners(&self, key: &ConversationKey) -> usize {
        let entry = self.ids.get(key).and_then(|id| self.entries.get(id));
        entry.map_or(0, |entry| entry.brief + entry.detailed)
    }

    /// Something that cannot wait happened to a conversation: load it at once.
    pub fn at_once(&mut self, key: &ConversationKey, now: Instant) {
        if let Some(&id) = self.ids.get(key) {
            self.set_due(id, now);
        }
    }

    /// The end was announced: load it at once, and end it.
    pub fn end(&mut self, key: &ConversationKey, now: Instant) {
        let Some(&id) = self.ids.get(key) else { return };
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.ended = true;
        }
        self.set_due(id, now);
    }

    /// Messages came: load it soon, but not twice in a second.
    pub fn soon(&mut self, key: &ConversationKey, now: Instant) {
        let Some(&id) = self.ids.get(key) else { return };
        let last = self.entries.get(&id).and_then(|entry| entry.loaded_at);
        self.set_due(id, last.map_or(now, |at| at + INSIGHTS_EVERY).max(now + GATHER));
    }

    /// Announcements were missed: load everything.
    pub fn all_at_once(&mut self, now: Instant) {
        let ids: Vec<u64> = self.entries.keys().copied().collect();
        for id in ids {
            self.set_due(id, now);
        }
    }

    fn set_due(&mut self, id: u64, at: Instant) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        if let Some(before) = entry.due {
            if before <= at {
                return;
            }
            self.due.remove(&(before, id));
        }
        entry.due = Some(at);
        // A room that is being loaded comes back into the order when that load is done.
        if !entry.loading {
            self.due.insert((at, id));
        }
    }

    /// When the next load is due.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// What is due, at most `most`; each is loading until [`Self::loaded`] or [`Self::failed`].
    pub fn take(&mut self, now: Instant, most: usize) -> Vec<Due> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let Some(&(at, id)) = self.due.first().filter(|(at, _)| *at <= now) else { break };
            self.due.remove(&(at, id));
            let Some(entry) = self.entries.get_mut(&id) else { continue };
            entry.due = None;
            entry.loading = true;
            taken.push(Due {
                room: Arc::clone(&entry.room),
                brief: entry.brief > 0,
                detailed: entry.detailed > 0,
                ended: std::mem::take(&mut entry.ended),
            });
        }
        taken
    }

    /// A load is done.
    pub fn loaded(&mut self, room: &Room, now: Instant) {
        let Some(entry) = self.entries.get_mut(&room.id) else { return };
        entry.loading = false;
        entry.loaded_at = Some(now);
        if let Some(due) = entry.due {
            self.due.insert((due, room.id));
        }
    }

    /// A load failed: try again at `again`.
    pub fn failed(&mut self, due: &Due, again: Instant) {
        let id = due.room.id;
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.loading = false;
        entry.ended |= due.ended;
        entry.due = Some(again);
        self.due.insert((again, id));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::domain::{ConversationId, TenantId};

    use super::*;

    fn key(name: &str) -> ConversationKey {
        ConversationKey::new(TenantId::public(), ConversationId::parse(name).unwrap())
    }

    fn names(due: &[Due]) -> Vec<&str> {
        due.iter().map(|due| due.room.key.conversation.as_str()).collect()
    }

    #[test]
    fn the_first_listener_of_each_type_is_served_at_once_and_shares_the_room() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let one = schedule.join(&key("a"), SummaryType::Brief, now);
        assert_eq!(names(&schedule.take(now, 9)), ["a"]);
        schedule.loaded(&one, now);
        let two = schedule.join(&key("a"), SummaryType::Brief, now);
        assert!(Arc::ptr_eq(&one, &two));
        assert!(schedule.take(now, 9).is_empty());
        schedule.join(&key("a"), SummaryType::Detailed, now);
        let due = schedule.take(now, 9);
        assert!(due[0].brief && due[0].detailed);
    }

    #[test]
    fn messages_wait_for_their_second_and_a_summary_does_not() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let room = schedule.join(&key("a"), SummaryType::Brief, now);
        schedule.take(now, 9);
        schedule.loaded(&room, now);
        schedule.soon(&key("a"), now + Duration::from_millis(10));
        assert_eq!(schedule.next(), Some(now + INSIGHTS_EVERY));
        assert!(schedule.take(now + Duration::from_millis(999), 9).is_empty());
        schedule.at_once(&key("a"), now + Duration::from_millis(20));
        assert_eq!(names(&schedule.take(now + Duration::from_millis(20), 9)), ["a"]);
    }

    #[test]
    fn a_room_is_loaded_by_one_load_at_a_time_and_again_if_something_came_meanwhile() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let room = schedule.join(&key("a"), SummaryType::Brief, now);
        assert_eq!(schedule.take(now, 9).len(), 1);
        schedule.end(&key("a"), now);
        assert!(schedule.take(now, 9).is_empty());
        assert_eq!(schedule.next(), None);
        schedule.loaded(&room, now);
        let again = schedule.take(now, 9);
        assert!(again[0].ended);
        schedule.failed(&again[0], now + INSIGHTS_EVERY);
        assert!(schedule.take(now, 9).is_empty());
        assert!(schedule.take(now + INSIGHTS_EVERY, 9)[0].ended);
    }

    #[test]
    fn a_room_without_listeners_is_forgotten() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let room = schedule.join(&key("a"), SummaryType::Brief, now);
        schedule.join(&key("a"), SummaryType::Detailed, now);
        schedule.leave(&room, SummaryType::Brief);
        assert!(schedule.room(&key("a")).is_some());
        schedule.leave(&room, SummaryType::Detailed);
        assert!(schedule.room(&key("a")).is_none());
        assert_eq!(schedule.next(), None);
        schedule.soon(&key("a"), now);
        assert!(schedule.take(now, 9).is_empty());
    }

    #[test]
    fn an_ended_room_is_replaced_and_its_listeners_leave_without_harm() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        let old = schedule.join(&key("a"), SummaryType::Brief, now);
        schedule.forget(&old);
        let new = schedule.join(&key("a"), SummaryType::Brief, now);
        assert!(!Arc::ptr_eq(&old, &new));
        schedule.leave(&old, SummaryType::Brief);
        assert!(schedule.room(&key("a")).is_some());
        assert_eq!(schedule.take(now, 9).len(), 1);
    }

    #[test]
    fn at_most_so_many_are_taken_oldest_first() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
            schedule.join(&key(name), SummaryType::Brief, now + Duration::from_millis(at as u64));
        }
        let later = now + INSIGHTS_EVERY;
        assert_eq!(names(&schedule.take(later, 2)), ["a", "b"]);
        schedule.all_at_once(later);
        assert_eq!(names(&schedule.take(later, 2)), ["c"]);
    }
}
