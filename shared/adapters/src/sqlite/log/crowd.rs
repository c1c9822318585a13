//! When a commit begins while many callers write (append). Law: a caller that comes alone never waits, and nobody waits
//! longer than [`Crowd::at_most`].
//!
//! Each commit costs the kernel, the disk and the wake-ups the same however much it holds, so it should hold much. Those
//! who were answered by the last commit are those who come again: a commit begins once as many have come as it held,
//! or when that takes too long.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// A commit that held more than one batch.
pub(super) struct Begun {
    pub(super) at: Instant,
    pub(super) batches: usize,
}

/// The batches that wait, and whom to wake when they are many.
pub(super) struct Crowd {
    /// Between the begins of two commits, while fewer come than the last one held.
    at_most: Duration,
    /// Between the begins of two commits, however many come.
    at_least: Duration,
    waiting: AtomicUsize,
    /// How many the writer waits for; zero while it waits for none.
    wanted: AtomicUsize,
    writer: Mutex<Option<Thread>>,
}

impl Default for Crowd {
    fn default() -> Self {
        Self::new(Duration::from_micros(400), Duration::from_millis(1))
    }
}

impl Crowd {
    fn new(at_least: Duration, at_most: Duration) -> Self {
        Self { at_most, at_least, waiting: AtomicUsize::new(0), wanted: AtomicUsize::new(0), writer: Mutex::new(None) }
    }

    /// Counts batches before they are queued; answers how many wait then.
    pub(super) fn joined(&self, batches: usize) -> usize {
        self.waiting.fetch_add(batches, Ordering::SeqCst) + batches
    }

    /// Batches that were taken, or could not be queued.
    pub(super) fn left(&self, batches: usize) {
        self.waiting.fetch_sub(batches, Ordering::SeqCst);
    }

    /// Wakes the writer once, when it waits for no more than this.
    pub(super) fn wake(&self, waiting: usize) {
        let wanted = self.wanted.load(Ordering::SeqCst);
        if wanted == 0 || waiting < wanted {
            return;
        }
        if self.wanted.compare_exchange(wanted, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            && let Some(writer) = &*self.writer.lock()
        {
            writer.unpark();
        }
    }

    /// Blocks the writing thread until the next commit should begin.
    pub(super) fn gather(&self, last: &Begun) {
        thread::sleep(self.at_least.saturating_sub(last.at.elapsed()));
        if self.waiting.load(Ordering::SeqCst) >= last.batches {
            return;
        }
        self.writer.lock().get_or_insert_with(thread::current);
        self.wanted.store(last.batches, Ordering::SeqCst);
        while self.waiting.load(Ordering::SeqCst) < last.batches {
            let left = self.at_most.saturating_sub(last.at.elapsed());
            if left.is_zero() {
                break;
            }
            thread::park_timeout(left);
        }
        self.wanted.store(0, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Longer than any test may take.
    const NEVER: Duration = Duration::from_hours(1);

    fn begun(batches: usize) -> Begun {
        Begun { at: Instant::now(), batches }
    }

    fn join(crowd: &Crowd, batches: usize) {
        let waiting = crowd.joined(batches);
        crowd.wake(waiting);
    }

    #[test]
    fn as_many_as_last_time_are_waited_for_and_no_more() {
        let crowd = Arc::new(Crowd::new(Duration::ZERO, NEVER));
        join(&crowd, 1);
        let theirs = Arc::clone(&crowd);
        let writer = thread::spawn(move || {
            theirs.gather(&begun(3));
            theirs.waiting.load(Ordering::SeqCst)
        });
        while crowd.wanted.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        join(&crowd, 1);
        assert!(!writer.is_finished());
        join(&crowd, 1);
        assert_eq!(writer.join().unwrap(), 3);
    }

    #[test]
    fn those_who_are_there_are_not_kept_waiting() {
        let crowd = Crowd::new(Duration::ZERO, NEVER);
        join(&crowd, 5);
        crowd.gather(&begun(5));
        crowd.left(5);
        assert_eq!(crowd.waiting.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn those_who_stay_away_are_waited_for_until_it_takes_too_long() {
        let crowd = Crowd::new(Duration::ZERO, Duration::from_millis(1));
        join(&crowd, 1);
        crowd.gather(&begun(1_000));
        assert_eq!(crowd.wanted.load(Ordering::SeqCst), 0);
    }
}
