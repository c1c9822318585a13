//! Where conversations stand, kept by the writer. Law: holds only what was committed or is part of the running
//! transaction, and is emptied when that is rolled back.

use quick_cache::unsync::Cache;
use rusqlite::Connection;
use shared::domain::ConversationKey;

use super::rows::{self, Tail};

/// Conversations whose place is known without reading: about 15 MB when full.
const CONVERSATIONS: usize = 65_536;

/// A conversation's number and last record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) conversation: i64,
    pub(super) tail: Tail,
}

/// The writer's cache of places.
pub(super) struct Heads {
    cache: Cache<ConversationKey, Place>,
}

impl Heads {
    pub(super) fn new() -> Self {
        Self { cache: Cache::new(CONVERSATIONS) }
    }

    /// Where a conversation stands, read if it is not known.
    pub(super) fn find(&mut self, connection: &Connection, key: &ConversationKey) -> rusqlite::Result<Option<Place>> {
        if let Some(place) = self.cache.get(key) {
            return Ok(Some(*place));
        }
        let Some(conversation) = rows::conversation(connection, key)? else { return Ok(None) };
        let Some(tail) = rows::tail(connection, conversation)? else { return Ok(None) };
        let place = Place { conversation, tail };
        self.cache.insert(key.clone(), place);
        Ok(Some(place))
    }

    /// A conversation has moved.
    pub(super) fn moved(&mut self, key: &ConversationKey, place: Place) {
        if let Some(mut known) = self.cache.get_mut(key) {
            *known = place;
            return;
        }
        self.cache.insert(key.clone(), place);
    }

    /// A conversation has gone.
    pub(super) fn gone(&mut self, key: &ConversationKey) {
        self.cache.remove(key);
    }

    /// Nothing is known any more.
    pub(super) fn forget(&mut self) {
        self.cache.clear();
    }
}
