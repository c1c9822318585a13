//! Places for requests in work, and the lines before them. Law: what comes later never takes the last places of what
//! comes before it, and whoever finds no place soon is told so, before anything was done for it.
//!
//! A refused client asks again, so refusing at once would spend on refusals what the requests in work need. Who waits
//! does not ask, and most get a place before their time is over: `docs/adr/0009-limits.md`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use shared::error_code::ErrorCode;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::priority::Priority;
use crate::error::{ApiError, ApiResult};
use crate::limits::{self, Limit};

/// How long a request may wait for a place: a refusal is to be there within 10 ms, also on a busy machine.
const PATIENCE: Duration = Duration::from_millis(1);
/// How many may wait for each place.
const WAITING_EACH: usize = 4;
/// From one refusal to the next: where more are due, they wait, and may yet get a place.
const BETWEEN_REFUSALS: Duration = Duration::from_micros(66);
/// The longest wait for that.
const LONGEST: Duration = Duration::from_secs(1);

/// All places of a listener.
pub(super) struct Places {
    taken: AtomicUsize,
    /// How many stand in the lines, some of which may have gone.
    waiting: AtomicUsize,
    lines: Mutex<[Line; 3]>,
    /// When the next refusal is due, unless that is over.
    next_refusal: Mutex<Instant>,
    most: usize,
}

type Line = VecDeque<oneshot::Sender<Place>>;

/// One of them; handed on or given back when dropped.
pub(super) struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::SeqCst);
        if self.0.waiting.load(Ordering::SeqCst) > 0 {
            Places::serve(&self.0);
        }
    }
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let (taken, waiting) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let next_refusal = Mutex::new(Instant::now());
        Arc::new(Self { taken, waiting, lines: Mutex::default(), next_refusal, most })
    }

    /// A place, or `overloaded` after [`PATIENCE`], later only where refusals are too many.
    pub(super) async fn take(self: &Arc<Self>, priority: Priority) -> ApiResult<Place> {
        if let Some(place) = self.free(priority) {
            return Ok(place);
        }
        let turn = self.stand_in_line(priority);
        if let Some(place) = self.wait(turn).await {
            return Ok(place);
        }
        limits::refused(match priority {
            Priority::Open | Priority::Read => Limit::Reads,
            Priority::Write => Limit::Writes,
            Priority::Summary => Limit::Summaries,
        });
        Err(ApiError::new(ErrorCode::Overloaded, "too many requests are being worked on; try again"))
    }

    async fn wait(&self, turn: Option<oneshot::Receiver<Place>>) -> Option<Place> {
        let Some(mut turn) = turn else {
            sleep(PATIENCE).await;
            sleep_until(self.refusal_due()).await;
            return None;
        };
        if let Ok(place) = timeout(PATIENCE, &mut turn).await {
            return place.ok();
        }
        let place = timeout_at(self.refusal_due(), turn).await.ok()?.ok();
        // Those behind are refused the sooner.
        *self.next_refusal.lock() -= BETWEEN_REFUSALS;
        place
    }

    fn refusal_due(&self) -> Instant {
        let now = Instant::now();
        let mut next = self.next_refusal.lock();
        let due = (*next).clamp(now, now + LONGEST);
        *next = due + BETWEEN_REFUSALS;
        due
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

    fn free(self: &Arc<Self>, priority: Priority) -> Option<Place> {
        let room = self.room(priority);
        let one_more = |taken: usize| (taken < room).then_some(taken + 1);
        self.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).ok().map(|_| Place(Arc::clone(self)))
    }

    /// A turn in the line, or none if that is full.
    fn stand_in_line(self: &Arc<Self>, priority: Priority) -> Option<oneshot::Receiver<Place>> {
        let line = match priority {
            Priority::Open => return None,
            Priority::Read => 0,
            Priority::Write => 1,
            Priority::Summary => 2,
        };
        let (turn, receiver) = oneshot::channel();
        {
            let line = &mut self.lines.lock()[line];
            self.leave_out_the_gone(line);
            if line.len() >= self.most.saturating_mul(WAITING_EACH) {
                return None;
            }
            line.push_back(turn);
            self.waiting.fetch_add(1, Ordering::SeqCst);
        }
        // A place that was given back before this one stood in line has been offered to nobody.
        self.serve();
        Some(receiver)
    }

    /// Gives what is free to those who wait, by priority and then in the order of their coming.
    fn serve(self: &Arc<Self>) {
        // Dropped behind the lock: a place that is given back is offered again, under the same lock.
        let mut left = Vec::new();
        let mut lines = self.lines.lock();
        for (line, priority) in lines.iter_mut().zip([Priority::Read, Priority::Write, Priority::Summary]) {
            self.leave_out_the_gone(line);
            while !line.is_empty()
                && let Some(place) = self.free(priority)
                && let Some(turn) = line.pop_front()
            {
                self.waiting.fetch_sub(1, Ordering::SeqCst);
                left.extend(turn.send(place).err());
                self.leave_out_the_gone(line);
            }
        }
    }

    /// Those whose wait is over stand in front.
    fn leave_out_the_gone(&self, line: &mut Line) {
        while line.front().is_some_and(oneshot::Sender::is_closed) {
            line.pop_front();
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    const LINES: [(Priority, usize); 3] = [(Priority::Summary, 4), (Priority::Write, 6), (Priority::Read, 8)];

    #[tokio::test(start_paused = true)]
    async fn summaries_are_given_up_first_then_writes_then_reads_and_health_never() {
        let places = Places::new(8);
        let mut held = Vec::new();
        for (priority, room) in LINES {
            while let Some(place) = places.free(priority) {
                held.push(place);
            }
            assert_eq!(held.len(), room, "{priority:?}");
            let refused = places.take(priority).await;
            assert_eq!(refused.err().map(|error| error.code()), Some(ErrorCode::Overloaded));
        }
        assert!(places.take(Priority::Open).await.is_ok());
        held.pop();
        assert!(places.free(Priority::Read).is_some());
        assert!(places.free(Priority::Write).is_none());
        held.truncate(5);
        assert!(places.free(Priority::Write).is_some());
        assert!(places.free(Priority::Summary).is_none());
        held.truncate(3);
        assert!(places.free(Priority::Summary).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_next_place_reads_first_and_each_in_turn() {
        let places = Places::new(1);
        let held = places.take(Priority::Read).await.unwrap();
        let waiting = [Priority::Summary, Priority::Write, Priority::Write, Priority::Read]
            .map(|priority| places.stand_in_line(priority).unwrap());
        let [mut summary, mut write, mut next, mut read] = waiting;
        let mut place = held;
        for turn in [&mut read, &mut write, &mut next, &mut summary] {
            assert!(turn.try_recv().is_err());
            drop(place);
            place = turn.try_recv().unwrap();
        }
        drop(place);
        assert_eq!((places.taken.load(Ordering::SeqCst), places.waiting.load(Ordering::SeqCst)), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_comes_in_time_or_not_at_all_and_none_is_lost_on_those_who_have_gone() {
        let places = Places::new(1);
        let held = places.take(Priority::Write).await.unwrap();
        let (begin, late) = (Instant::now(), places.take(Priority::Write).await);
        assert!(late.is_err() && begin.elapsed() < PATIENCE * 2);
        let gone: Vec<_> = (0..WAITING_EACH).map(|_| places.stand_in_line(Priority::Write).unwrap()).collect();
        assert!(places.stand_in_line(Priority::Write).is_none(), "the line is full");
        drop(gone);
        let (taken, ()) = tokio::join!(places.take(Priority::Write), async { drop(held) });
        drop(taken.unwrap());
        assert_eq!((places.taken.load(Ordering::SeqCst), places.waiting.load(Ordering::SeqCst)), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn many_refusals_come_one_after_the_other_and_who_waits_for_one_may_get_a_place() {
        let places = Places::new(32);
        let held: Vec<_> = std::iter::from_fn(|| places.free(Priority::Write)).collect();
        let begin = Instant::now();
        let come = |_| {
            let places = Arc::clone(&places);
            async move { places.take(Priority::Write).await.map(drop) }
        };
        let many = (0..100).map(come).collect::<JoinSet<_>>();
        sleep(PATIENCE + 45 * BETWEEN_REFUSALS).await;
        drop(held);
        let outcomes = many.join_all().await;
        let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
        assert!((30..=80).contains(&refused), "{refused} were refused");
        assert!(begin.elapsed() < PATIENCE + 90 * BETWEEN_REFUSALS, "{:?}", begin.elapsed());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn however_many_come_at_once_every_place_comes_back() {
        let places = Places::new(4);
        let come = |at: usize| {
            let places = Arc::clone(&places);
            async move {
                let mut got = 0;
                for _ in 0..200 {
                    let place = places.take(LINES[at % 3].0).await;
                    assert!(places.taken.load(Ordering::SeqCst) <= 4);
                    tokio::task::yield_now().await;
                    got += usize::from(place.is_ok());
                }
                got
            }
        };
        let got = (0..32).map(come).collect::<JoinSet<_>>().join_all().await;
        assert!(got.iter().sum::<usize>() > 0);
        drop(places.take(Priority::Summary).await.unwrap());
        assert_eq!((places.taken.load(Ordering::SeqCst), places.waiting.load(Ordering::SeqCst)), (0, 0));
    }

    #[tokio::test]
    async fn the_smallest_server_still_takes_one_of_each() {
        for (priority, _) in LINES {
            assert!(Places::new(1).take(priority).await.is_ok(), "{priority:?}");
        }
    }
}
