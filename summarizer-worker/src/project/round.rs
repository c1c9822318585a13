//! One batch of conversations from the log to the view store: one load, few reads, one commit.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use shared::config::SummaryPolicy;
use shared::domain::{ConversationKey, Seq};
use shared::ports::{Announcement, CasOutcome, ConversationRow, Notice, Ports, ProjectionStep, StoreError};
use tokio::sync::{Notify, Semaphore, broadcast};

use super::fold::{Folded, fold};
use super::read::{End, Job, read};
use super::rewrite;
use super::rows::Rows;
use crate::summarize::Schedule;

/// The most conversations in one round.
pub(crate) const ROUND: usize = 256;
/// More pending erasures than this are looked at in the next round.
const ERASURES: usize = 1_000;

/// Brings views to where the log is.
pub(crate) struct Projector {
    ports: Ports,
    policy: SummaryPolicy,
    schedule: Arc<Schedule>,
    rows: Rows,
    /// Rounds at the same time. Fair, so nobody waits for more than the rounds before.
    turns: Semaphore,
    /// Tells of erasures, so that no row outlives its conversation here.
    erased: Mutex<Option<broadcast::Receiver<Announcement>>>,
    /// Told when nobody tells of erasures any more.
    deaf: Notify,
}

/// What became of a conversation in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Its view is where the notice said, or where the log ends.
    Reached,
    /// There is more to do, at once.
    Again,
    /// The log does not have it.
    Gone,
    /// The log is broken there; why, without any text.
    Broken(String),
}

impl Projector {
    pub(crate) fn new(
        ports: Ports,
        policy: SummaryPolicy,
        schedule: Arc<Schedule>,
        rows: usize,
        parallelism: usize,
    ) -> Self {
        let turns = Semaphore::new(parallelism);
        Self { ports, policy, schedule, rows: Rows::new(rows), turns, erased: Mutex::new(None), deaf: Notify::new() }
    }

    /// Listens for erasures from now on.
    pub(crate) fn listen(&self, announcements: broadcast::Receiver<Announcement>) {
        self.rows.clear();
        *self.erased.lock() = Some(announcements);
    }

    /// Waits until [`Self::listen`] must be called again.
    pub(crate) async fn deaf(&self) {
        self.deaf.notified().await;
    }

    /// How far a view is known to have come, without asking the store.
    pub(crate) fn known(&self, key: &ConversationKey) -> Option<Seq> {
        self.rows.applied(key)
    }

    /// The recent rows.
    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// One round over at most [`ROUND`] conversations, each once. Outcomes in their order. An error means that
    /// the store is away and nothing is known to be done.
    pub(crate) async fn round(&self, notices: &[Notice]) -> Result<Vec<Outcome>, StoreError> {
        // Never closed.
        let _turn = self.turns.acquire().await;
        self.forget_erased();
        match self.try_round(notices).await {
            Err(error) if !error.is_transient() => self.one_by_one(notices).await,
            result => result,
        }
    }

    async fn try_round(&self, notices: &[Notice]) -> Result<Vec<Outcome>, StoreError> {
        let mut jobs = self.load(notices).await?;
        read(&*self.ports.log, &mut jobs).await?;
        let rewrites: Vec<_> = jobs.iter().map(Job::rewrites).collect();
        if rewrites.iter().all(Vec::is_empty) {
            return self.commit(fold(jobs).await).await;
        }
        // Those that are folded anew come last: they may be long.
        let (mut plain, mut whole) = (Vec::new(), Vec::new());
        for (job, changed) in jobs.into_iter().zip(&rewrites) {
            if changed.is_empty() {
                plain.push(job);
            } else {
                whole.push(job);
            }
        }
        let mut plain = self.commit(fold(plain).await).await?.into_iter();
        let mut outcomes = Vec::with_capacity(rewrites.len());
        let mut whole = whole.into_iter();
        for changed in rewrites {
            if changed.is_empty() {
                outcomes.extend(plain.next());
            } else if let Some(job) = whole.next() {
                outcomes.extend(self.rewrite(job, &changed).await?);
            }
        }
        Ok(outcomes)
    }

    /// Messages that a view holds were edited or erased: what was made from them is taken back, then the view is folded
    /// from the first record on. In this order, so that a crash between the two takes it back again.
    async fn rewrite(&self, mut job: Job, changed: &[Seq]) -> Result<Vec<Outcome>, StoreError> {
        let version = self.ports.views.retract(&job.key, changed).await?;
        self.ports.bus.announce(Announcement::Retracted { key: job.key.clone(), version });
        let row = self.ports.views.conversations(std::slice::from_ref(&job.key)).await?.pop().flatten();
        let Some(row) = row.filter(|row| row.view.applied_seq == job.applied()) else {
            return Ok(vec![Outcome::Again]);
        };
        job.row = None;
        let (until, from) = (job.reached(), (row.view.applied_seq, row.view.digest));
        job.records.clear();
        let folded = rewrite::whole(&*self.ports.log, row, until).await?;
        let Some((first, row, participations)) = folded else {
            let erased = self.ports.log.head(&job.key).await?.is_none_or(|head| head.seq < until);
            let broken = || Outcome::Broken(format!("the log is not whole up to record {until}"));
            return Ok(vec![if erased { Outcome::Again } else { broken() }]);
        };
        let view = row.view.clone();
        let step = ProjectionStep { key: job.key.clone(), from: Some(from), view, participations, whole: true };
        self.commit(vec![(job, Some(Folded { step, row, first }))]).await
    }

    /// Finds which one it is that cannot be read or written, so that the others go on.
    async fn one_by_one(&self, notices: &[Notice]) -> Result<Vec<Outcome>, StoreError> {
        let mut outcomes = Vec::with_capacity(notices.len());
        for notice in notices {
            match self.try_round(std::slice::from_ref(notice)).await {
                Ok(outcome) => outcomes.extend(outcome),
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => outcomes.push(Outcome::Broken(error.to_string())),
            }
        }
        Ok(outcomes)
    }

    /// Rounds until all are where they were noticed. Answers those that could not be brought there.
    pub(crate) async fn reach(&self, mut notices: Vec<Notice>) -> Result<Vec<(Notice, String)>, StoreError> {
        let mut broken = Vec::new();
        while !notices.is_empty() {
            let rest = notices.split_off(notices.len().min(ROUND));
            let outcomes = self.round(&notices).await?;
            let mut again = Vec::new();
            for (notice, outcome) in notices.into_iter().zip(outcomes) {
                match outcome {
                    Outcome::Reached | Outcome::Gone => {}
                    Outcome::Again => again.push(notice),
                    Outcome::Broken(reason) => broken.push((notice, reason)),
                }
            }
            again.extend(rest);
            notices = again;
        }
        Ok(broken)
    }

    /// Removes what is derived from an erased conversation.
    pub(crate) async fn erase(&self, key: &ConversationKey) -> Result<(), StoreError> {
        self.rows.forget(key);
        self.schedule.remove(key);
        self.ports.views.erase(key).await?;
        self.ports.log.erased(key).await
    }

    fn forget_erased(&self) {
        let mut erased = self.erased.lock();
        let Some(announcements) = erased.as_mut() else {
            // Nobody tells of erasures: nothing that was kept can be relied on.
            self.rows.clear();
            return;
        };
        loop {
            match announcements.try_recv() {
                Ok(Announcement::Erased { key }) => {
                    self.rows.forget(&key);
                    self.schedule.remove(&key);
                }
                Ok(_) => {}
                Err(broadcast::error::TryRecvError::Lagged(_)) => self.rows.clear(),
                Err(broadcast::error::TryRecvError::Empty) => return,
                Err(broadcast::error::TryRecvError::Closed) => {
                    self.rows.clear();
                    *erased = None;
                    self.deaf.notify_one();
                    return;
                }
            }
        }
    }

    async fn load(&self, notices: &[Notice]) -> Result<Vec<Job>, StoreError> {
        let mut jobs: Vec<Job> = notices.iter().map(|notice| Job::new(notice, self.rows.take(&notice.key))).collect();
        let unknown: Vec<usize> = (0..jobs.len()).filter(|at| jobs[*at].row.is_none()).collect();
        if unknown.is_empty() {
            return Ok(jobs);
        }
        let keys: Vec<ConversationKey> = unknown.iter().map(|at| jobs[*at].key.clone()).collect();
        let rows = self.ports.views.conversations(&keys).await?;
        for (at, row) in unknown.into_iter().zip(rows) {
            jobs[at].row = row;
        }
        Ok(jobs)
    }

    async fn commit(&self, folded: Vec<(Job, Option<Folded>)>) -> Result<Vec<Outcome>, StoreError> {
        let erased = self.erasures(&folded).await?;
        let mut steps = Vec::new();
        let mut done = Vec::with_capacity(folded.len());
        for (job, folded) in folded {
            let Some(Folded { step, row, first }) = folded.filter(|_| !erased.contains(&job.key)) else {
                done.push((job, None));
                continue;
            };
            let begins = step.from.is_none().then_some(first);
            steps.push(step);
            done.push((job, Some((row, begins))));
        }
        let mut committed = self.commit_steps(steps).await?.into_iter();
        let mut outcomes = Vec::with_capacity(done.len());
        let mut begun = Vec::new();
        for (job, moved) in done {
            if erased.contains(&job.key) {
                self.erase(&job.key).await?;
                outcomes.push(Outcome::Again);
                continue;
            }
            let Some((row, begins)) = moved else {
                outcomes.push(self.unmoved(job).await?);
                continue;
            };
            if committed.next() != Some(CasOutcome::Applied) {
                outcomes.push(Outcome::Again);
                continue;
            }
            begun.extend(begins.map(|first| (job.key.clone(), first)));
            self.moved(row);
            outcomes.push(outcome(job.end));
        }
        self.confirm(begun).await?;
        Ok(outcomes)
    }

    /// Conversations of the batch whose views are of an erased life, and must not be carried on with records of
    /// the next. Looked up after the records were read: what is erased later loses its row, and the step its race.
    async fn erasures(&self, folded: &[(Job, Option<Folded>)]) -> Result<HashSet<ConversationKey>, StoreError> {
        let carried = |(_, folded): &(Job, Option<Folded>)| folded.as_ref().is_some_and(|f| f.step.from.is_some());
        if !folded.iter().any(carried) {
            return Ok(HashSet::new());
        }
        Ok(self.ports.log.erasures(ERASURES).await?.into_iter().collect())
    }

    async fn commit_steps(&self, steps: Vec<ProjectionStep>) -> Result<Vec<CasOutcome>, StoreError> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        self.ports.views.commit(steps).await
    }

    /// A conversation without a step.
    async fn unmoved(&self, job: Job) -> Result<Outcome, StoreError> {
        if job.end == End::Gone {
            let row = job.row.is_some();
            self.erase(&job.key).await?;
            let lives = row && self.ports.log.head(&job.key).await?.is_some();
            return Ok(if lives { Outcome::Again } else { Outcome::Gone });
        }
        if let Some(row) = job.row {
            self.rows.put(row);
        }
        Ok(outcome(job.end))
    }

    /// A view has moved: tell the listeners, and see when its next summary is due.
    fn moved(&self, row: ConversationRow) {
        let now = self.ports.clock.now();
        metrics::histogram!("recap_project_lag_seconds").record(now.since(row.view.received_at).as_secs_f64());
        self.ports.bus.announce(Announcement::Projected { key: row.key.clone(), seq: row.view.applied_seq });
        let need = crate::summarize::need(&row);
        match self.policy.due(&need) {
            Some((at, trigger)) => self.schedule.put(&row.key, at, trigger, now),
            None if need.ended => self.ports.bus.announce(Announcement::Ended { key: row.key.clone() }),
            None => {}
        }
        self.rows.put(row);
    }

    /// A first view made while its conversation was being erased must not stay: its first record is still there, or
    /// the view goes.
    async fn confirm(&self, begun: Vec<(ConversationKey, shared::domain::Record)>) -> Result<(), StoreError> {
        if begun.is_empty() {
            return Ok(());
        }
        let places: Vec<_> = begun.iter().map(|(key, first)| (key.clone(), first.seq)).collect();
        let found = self.ports.log.records(&places).await?;
        for ((key, first), found) in begun.into_iter().zip(found) {
            if found.is_some_and(|found| found.is(&first)) {
                continue;
            }
            self.erase(&key).await?;
            if let Some(head) = self.ports.log.head(&key).await? {
                self.ports.bus.notify(Notice { key, seq: head.seq });
            }
        }
        Ok(())
    }
}

fn outcome(end: End) -> Outcome {
    match end {
        End::Reached => Outcome::Reached,
        // Gone after its records were read: the next round finds nothing.
        End::More | End::Gone => Outcome::Again,
        End::Broken(reason) => Outcome::Broken(reason),
    }
}
