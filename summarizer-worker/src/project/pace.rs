//! How often the projector takes what has queued (project). Law: posting goes first, and a notice that comes alone
//! waits for nobody.
//!
//! What has queued is taken in sweeps, of which a part of the time is spent at work and the rest is left to posting: the
//! more there is to do, the more messages of a conversation share a fold and a write. A sweep that cannot be done within
//! its part of the usual time makes the next one come later, and so cheaper for each message; as soon as less will do
//! they come sooner again.

use std::time::Duration;

use tokio::time::Instant;

/// A sweep works for one part in so many of its time.
const PARTS: u32 = 4;
/// Between the begins of two sweeps, however little there was to do.
const AT_LEAST: Duration = Duration::from_millis(10);
/// Between the begins of two sweeps, as long as their part of it is enough.
const USUAL: Duration = Duration::from_millis(100);
/// Between the begins of two sweeps, however much there is to do.
const AT_MOST: Duration = Duration::from_secs(2);

/// When sweeps begin.
pub(super) struct Pace {
    begun: Instant,
    /// Between the begins of two sweeps at present, at the most.
    longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { begun: Instant::now(), longest: USUAL }
    }
}

impl Pace {
    /// A sweep begins.
    pub(super) fn begin(&mut self) {
        self.begun = Instant::now();
    }

    /// Whether the sweep is at work for longer than others should wait.
    pub(super) fn is_long(&self) -> bool {
        self.begun.elapsed() > self.longest
    }

    /// The sweep is done: how long until the next one.
    pub(super) fn rest(&mut self) -> Duration {
        self.rest_after(self.begun.elapsed())
    }

    fn rest_after(&mut self, worked: Duration) -> Duration {
        let wanted = worked * PARTS;
        if wanted > self.longest {
            self.longest = (self.longest * 2).min(AT_MOST);
        } else if wanted < self.longest / 2 {
            self.longest = (self.longest / 2).max(USUAL);
        }
        wanted.clamp(AT_LEAST, self.longest).saturating_sub(worked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn little_work_is_begun_again_soon() {
        let mut pace = Pace::default();
        assert_eq!(pace.rest_after(ms(1)), ms(9));
        assert_eq!(pace.rest_after(ms(20)), ms(60));
    }

    #[test]
    fn too_much_work_comes_later_and_later_until_a_bound() {
        let mut pace = Pace::default();
        assert_eq!(pace.rest_after(ms(60)), ms(140));
        assert_eq!(pace.rest_after(ms(110)), ms(290));
        let longest = (0..10).map(|_| pace.rest_after(ms(600)) + ms(600)).max();
        assert_eq!(longest, Some(AT_MOST));
        assert_eq!(pace.rest_after(ms(5_000)), Duration::ZERO);
    }

    #[test]
    fn when_the_rush_is_over_nobody_waits_for_long() {
        let mut pace = Pace::default();
        for _ in 0..10 {
            pace.rest_after(ms(900));
        }
        for _ in 0..5 {
            assert_eq!(pace.rest_after(ms(2)), ms(8));
        }
        assert_eq!(pace.rest_after(ms(90)), ms(110));
    }
}
