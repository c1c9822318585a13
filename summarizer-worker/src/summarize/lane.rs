//! The lane of unasked summaries: takes what is due from the schedule and makes it.
//!
//! Law: what fails comes back later; what is no longer due goes back for its time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::config::SummaryPolicy;
use shared::domain::{ConversationKey, Timestamp, Trigger};
use shared::ports::Announcement;
use tokio_util::sync::CancellationToken;

use super::need;
use super::run::{Made, RunError, Summaries};
use super::schedule::{Next, Schedule};
use crate::TaskResult;
use crate::failures::{Failures, Verdict, wait};

/// The clock may jump, so nobody sleeps longer than this while something is scheduled.
const NAP: Duration = Duration::from_millis(200);
/// While another worker summarizes a conversation.
const BUSY: Duration = Duration::from_secs(3);
/// Between attempts at a dead letter.
const DEAD: Duration = Duration::from_mins(10);
/// More conversations than this that fail at once are tried again without a growing wait.
const KNOWN: usize = 10_000;

/// Which conversations failed, and from when on they may be tried again.
#[derive(Default)]
pub(crate) struct Backoff(Mutex<HashMap<ConversationKey, (u32, Timestamp)>>);

impl Backoff {
    /// Not before then.
    pub(crate) fn until(&self, key: &ConversationKey) -> Timestamp {
        self.0.lock().get(key).map_or(Timestamp::MIN, |(_, until)| *until)
    }

    fn failed(&self, key: &ConversationKey, now: Timestamp, least: Duration) -> Timestamp {
        let mut known = self.0.lock();
        let attempts = known.get(key).map_or(0, |(attempts, _)| *attempts) + 1;
        let until = now.plus(wait(attempts).max(least));
        if known.len() < KNOWN || known.contains_key(key) {
            known.insert(key.clone(), (attempts, until));
        }
        until
    }

    fn succeeded(&self, key: &ConversationKey) {
        self.0.lock().remove(key);
    }
}

/// Works the schedule off, one conversation at a time, until the process stops.
pub(crate) async fn lane(
    summaries: Arc<Summaries>,
    schedule: Arc<Schedule>,
    policy: SummaryPolicy,
    backoff: Arc<Backoff>,
    failures: Arc<Failures>,
    stopping: CancellationToken,
) -> TaskResult {
    let lane = Lane { summaries, schedule, policy, backoff, failures };
    tokio::select! {
        () = stopping.cancelled() => {}
        () = lane.work() => {}
    }
    Ok(())
}

/// What is left to do for a conversation.
enum Then {
    Done,
    /// It is due, or may be made, only then.
    Again(Timestamp),
    /// It waits for more text, until then at most.
    Waits(Timestamp),
}

struct Lane {
    summaries: Arc<Summaries>,
    schedule: Arc<Schedule>,
    policy: SummaryPolicy,
    backoff: Arc<Backoff>,
    failures: Arc<Failures>,
}

impl Lane {
    async fn work(&self) {
        loop {
            let now = self.now();
            match self.schedule.take(now) {
                Next::Due(key, trigger) => self.one(&key, trigger).await,
                Next::Empty => self.schedule.changed().await,
                Next::At(at) => tokio::select! {
                    () = self.schedule.changed() => {}
                    () = tokio::time::sleep(at.since(now).min(NAP)) => {}
                },
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.summaries.ports.clock.now()
    }

    async fn one(&self, key: &ConversationKey, trigger: Trigger) {
        match self.made(key).await {
            Ok(Then::Again(at)) => self.schedule.put_new(key, at, trigger),
            Ok(Then::Waits(until)) => self.schedule.hold(key, until, trigger, self.now()),
            Ok(Then::Done) => {
                self.backoff.succeeded(key);
                self.failures.succeeded(key).await;
            }
            Err(error) => self.failed(key, trigger, &error).await,
        }
    }

    /// Makes a version, if one is due.
    async fn made(&self, key: &ConversationKey) -> Result<Then, RunError> {
        let Some(row) = self.summaries.row(key).await? else { return Ok(Then::Done) };
        let need = need(&row);
        let Some((at, trigger)) = self.policy.due(&need) else {
            if need.ended {
                self.ended(key);
            }
            return Ok(Then::Done);
        };
        let now = self.now();
        let at = at.max(self.backoff.until(key));
        if at > now {
            return Ok(Then::Again(at));
        }
        if let Some(thrift) = &self.summaries.engines.thrift
            && let Some(until) = thrift.wait(&*self.summaries.ports.log, &row, trigger, now).await?
        {
            return Ok(Then::Waits(until));
        }
        match self.summaries.run(key, trigger, row.view.last_message).await? {
            Made::Covered(_) if need.ended => self.ended(key),
            Made::Stored(_) | Made::Covered(_) | Made::Gone => {}
            Made::Busy => return Ok(Then::Again(now.plus(BUSY))),
        }
        Ok(Then::Done)
    }

    fn ended(&self, key: &ConversationKey) {
        self.summaries.ports.bus.announce(Announcement::Ended { key: key.clone() });
    }

    async fn failed(&self, key: &ConversationKey, trigger: Trigger, error: &RunError) {
        let mut least = Duration::ZERO;
        if error.is_transient() {
            tracing::warn!(%error, ?key, "no summary now, later");
        } else {
            least = match self.failures.failed(key, &error.to_string()).await {
                Verdict::Retry(delay) => delay,
                Verdict::Dead => DEAD,
            };
        }
        let again = self.backoff.failed(key, self.now(), least);
        self.schedule.put_new(key, again, trigger);
    }
}
