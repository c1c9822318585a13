//! Who goes first when there is too much to do: health, then reads, then writes, then summaries on demand. Law: what
//! comes later never takes the last places of what comes before it, and whoever finds no place is told so at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use shared::error_code::ErrorCode;

use super::stats::RouteStats;
use crate::error::{ApiError, ApiResult};
use crate::limits::{self, Limit};

/// What a request is, in the order in which it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// What operators and pages need: always let in.
    Open,
    /// What shows what is stored, and sockets.
    Read,
    /// What changes what is stored.
    Write,
    /// Summaries that are made while somebody waits.
    Summary,
}

impl Priority {
    pub(super) fn of(route: &RouteStats, method: &Method) -> Self {
        if route.is_open() {
            Self::Open
        } else if *method == Method::GET || *method == Method::HEAD || *method == Method::OPTIONS {
            Self::Read
        } else if *method == Method::POST && route.label() == "/chats/summarize" {
            Self::Summary
        } else {
            Self::Write
        }
    }
}

/// Places for requests in work.
pub(super) struct Places {
    taken: AtomicUsize,
    most: usize,
}

/// One of them; given back when dropped.
pub(super) struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self { taken: AtomicUsize::new(0), most }
    }

    /// How many places may be taken, its own included: all by reads, three quarters by writes, half by summaries.
    fn room(&self, priority: Priority) -> usize {
        match priority {
            Priority::Open => usize::MAX,
            Priority::Read => self.most,
            Priority::Write => (self.most - self.most / 4).max(1),
            Priority::Summary => (self.most / 2).max(1),
        }
    }

    /// A place, else `overloaded`.
    pub(super) fn take(&self, priority: Priority) -> ApiResult<Place<'_>> {
        let before = self.taken.fetch_add(1, Ordering::Relaxed);
        let place = Place(&self.taken);
        if before < self.room(priority) {
            return Ok(place);
        }
        limits::refused(match priority {
            Priority::Open | Priority::Read => Limit::Reads,
            Priority::Write => Limit::Writes,
            Priority::Summary => Limit::Summaries,
        });
        Err(ApiError::new(ErrorCode::Overloaded, "too many requests are being worked on; try again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_have_their_priority() {
        for (route, method, wanted) in [
            (Some("/healthz"), Method::GET, Priority::Open),
            (Some("/chats/{conversation_id}"), Method::GET, Priority::Read),
            (Some("/ws/summarize"), Method::GET, Priority::Read),
            (Some("/chats"), Method::POST, Priority::Write),
            (Some("/chats/{conversation_id}"), Method::DELETE, Priority::Write),
            (Some("/chats/summarize"), Method::POST, Priority::Summary),
            (Some("/chats/summarize"), Method::GET, Priority::Read),
            (None, Method::PUT, Priority::Write),
        ] {
            assert_eq!(Priority::of(&RouteStats::new(route), &method), wanted, "{route:?} {method}");
        }
    }

    #[test]
    fn summaries_are_given_up_first_then_writes_then_reads_and_health_never() {
        let places = Places::new(8);
        let mut held = Vec::new();
        for (priority, room) in [(Priority::Summary, 4), (Priority::Write, 6), (Priority::Read, 8)] {
            while let Ok(place) = places.take(priority) {
                held.push(place);
            }
            assert_eq!(held.len(), room, "{priority:?}");
            assert_eq!(places.take(priority).err().map(|error| error.code()), Some(ErrorCode::Overloaded));
        }
        assert!(places.take(Priority::Open).is_ok());
        held.pop();
        assert!(places.take(Priority::Read).is_ok());
        assert!(places.take(Priority::Write).is_err());
        held.truncate(5);
        assert!(places.take(Priority::Write).is_ok());
        assert!(places.take(Priority::Summary).is_err());
        held.truncate(3);
        assert!(places.take(Priority::Summary).is_ok());
    }

    #[test]
    fn the_smallest_server_still_takes_one_of_each() {
        for priority in [Priority::Read, Priority::Write, Priority::Summary] {
            assert!(Places::new(1).take(priority).is_ok(), "{priority:?}");
        }
    }
}
