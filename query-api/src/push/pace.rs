//! How many frames a client may send. Law: in no second that begins with a frame there are more than set.

use std::time::Duration;

use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// Counts frames of one socket.
pub struct Pace {
    most: u32,
    since: Instant,
    count: u32,
}

impl Pace {
    /// At most so many a second.
    #[must_use]
    pub fn new(most: u32, now: Instant) -> Self {
        Self { most, since: now, count: 0 }
    }

    /// Counts a frame; false if it is one too many.
    pub fn keeps(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= SECOND {
            self.since = now;
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.count <= self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_set_pass_in_a_second_and_one_more_does_not() {
        let start = Instant::now();
        let mut pace = Pace::new(3, start);
        let late = start + Duration::from_millis(999);
        assert_eq!([start, late, late, late].map(|now| pace.keeps(now)), [true, true, true, false]);
        let next = start + SECOND;
        assert_eq!([next, next, next, next].map(|now| pace.keeps(now)), [true, true, true, false]);
    }
}
