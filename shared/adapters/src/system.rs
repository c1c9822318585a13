//! The machine's clock, random numbers and processor. Law: the only place that asks the machine for either.

use std::time::{SystemTime, UNIX_EPOCH};

use rand::Rng as _;
use shared::domain::Timestamp;
use shared::ports::{Clock, IdSource};

/// The wall clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others take")]
    fn now(&self) -> Timestamp {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
        };
        Timestamp::from_millis(millis)
    }
}

/// Random bytes from a generator of each thread (`ChaCha12`), seeded and reseeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "this is the source that all others take")]
    fn random(&self) -> [u8; 16] {
        rand::rng().random()
    }
}

/// How much less of a contended processor a thread that gives way gets: each step is a factor of 1.25 (`man 7 sched`).
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lowers the calling thread's claim to the processor, for work that may wait while requests want it. Where that is not
/// possible it stays as it is, and only posting under full load is slower.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        tracing::debug!(%error, "this thread does not give way");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_clock_tells_a_time_after_this_was_written() {
        assert!(SystemClock.now() > Timestamp::parse("2024-01-01T00:00:00Z").unwrap());
    }

    #[test]
    fn ids_do_not_repeat_across_threads() {
        let draw = || (0..1000).map(|_| SystemIds.random()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let ids: HashSet<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(ids.len(), 4000);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_the_thread_that_asks_gives_way() {
        let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
        let before = nice();
        let giving = std::thread::spawn(move || {
            give_way();
            nice()
        });
        assert_eq!(giving.join().unwrap(), NICE);
        assert_eq!(nice(), before);
    }
}
