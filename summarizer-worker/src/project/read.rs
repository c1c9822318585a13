//! The records that a batch needs: short gaps of many conversations in one call, long ones in bounded chunks.
//!
//! Law: what is handed on is a gapless run behind the view; where it ends too early, the reason is known.

use shared::domain::{ConversationKey, Record, Seq};
use shared::ports::{ConversationRow, MessageLog, Notice, StoreError};

/// The most records of one conversation in one step.
pub(crate) const CHUNK: usize = 2_000;
/// The most records in one round.
const BUDGET: usize = 4_000;
/// Gaps up to this are read together with those of other conversations.
const SHORT: u64 = 100;

/// A conversation on its way to a seq.
pub(crate) struct Job {
    pub(crate) key: ConversationKey,
    /// Where it is to come.
    pub(crate) target: Seq,
    /// What is known of it.
    pub(crate) row: Option<ConversationRow>,
    /// The records after the view.
    pub(crate) records: Vec<Record>,
    /// Why there are no more records than these.
    pub(crate) end: End,
}

/// Why a job's records end where they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// They reach the target, or all that the log has.
    Reached,
    /// The rest is for the next round.
    More,
    /// The log does not have the conversation, or has another one of that name.
    Gone,
    /// A record is missing or cannot be read.
    Broken(String),
}

impl Job {
    pub(crate) fn new(notice: &Notice, row: Option<ConversationRow>) -> Self {
        Self { key: notice.key.clone(), target: notice.seq, row, records: Vec::new(), end: End::Reached }
    }

    pub(crate) fn applied(&self) -> Seq {
        self.row.as_ref().map_or(Seq::ZERO, |row| row.view.applied_seq)
    }

    /// Messages that the view holds already, and that these records change; ascending. Then it is folded anew.
    pub(crate) fn rewrites(&self) -> Vec<Seq> {
        let applied = self.applied();
        let changed = self.records.iter().filter_map(Record::changes);
        let mut changed: Vec<Seq> = changed.filter(|target| *target <= applied).collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    fn gap(&self) -> u64 {
        self.target.0.saturating_sub(self.applied().0)
    }

    /// Where the records read so far end.
    pub(crate) fn reached(&self) -> Seq {
        self.records.last().map_or(self.applied(), |record| record.seq)
    }
}

/// Fills the jobs with records.
pub(crate) async fn read(log: &dyn MessageLog, jobs: &mut [Job]) -> Result<(), StoreError> {
    let mut left = BUDGET;
    if !read_short(log, jobs, &mut left).await? {
        tracing::debug!("a record cannot be read: going on one by one");
    }
    for job in jobs.iter_mut() {
        if job.gap() == 0 || !job.records.is_empty() {
            continue;
        }
        if left == 0 {
            job.end = End::More;
            continue;
        }
        read_long(log, job, left.min(CHUNK)).await?;
        left -= job.records.len().min(left);
    }
    for job in jobs.iter_mut() {
        if job.gap() > 0 && job.end == End::Reached && job.reached() < job.target {
            explain(log, job).await?;
        }
    }
    Ok(())
}

/// All short gaps in one call. Answers false if it met a broken record, and then has read nothing.
async fn read_short(log: &dyn MessageLog, jobs: &mut [Job], left: &mut usize) -> Result<bool, StoreError> {
    let mut places = Vec::new();
    let mut short = Vec::new();
    for (at, job) in jobs.iter().enumerate() {
        let gap = job.gap();
        if gap == 0 || gap > SHORT || places.len() >= *left {
            continue;
        }
        short.push(at);
        places.extend((job.applied().0 + 1..=job.target.0).map(|seq| (job.key.clone(), Seq(seq))));
    }
    if places.is_empty() {
        return Ok(true);
    }
    let mut found = match log.records(&places).await {
        Ok(found) => found.into_iter(),
        Err(error) if error.is_transient() => return Err(error),
        Err(_) => return Ok(false),
    };
    *left -= places.len().min(*left);
    for at in short {
        let job = &mut jobs[at];
        let gap = usize::try_from(job.gap()).unwrap_or(usize::MAX);
        let records: Vec<_> = found.by_ref().take(gap).collect();
        job.records.extend(records.into_iter().map_while(|record| record));
    }
    Ok(true)
}

/// One chunk of one conversation; where a record is broken, those before it.
async fn read_long(log: &dyn MessageLog, job: &mut Job, most: usize) -> Result<(), StoreError> {
    let from = job.applied().next();
    let mut limit = most;
    loop {
        match log.read(&job.key, from, limit).await {
            Ok(records) => {
                let full = records.len() == limit;
                let gapless = |(at, record): &(usize, Record)| record.seq.0 == from.0 + *at as u64;
                job.records = records.into_iter().enumerate().take_while(gapless).map(|(_, record)| record).collect();
                let whole = full && job.records.len() == limit;
                if whole && job.reached() < job.target {
                    job.end = End::More;
                }
                return Ok(());
            }
            Err(error) if error.is_transient() => return Err(error),
            Err(error) if limit == 1 => {
                job.end = End::Broken(format!("record {from}: {error}"));
                return Ok(());
            }
            Err(_) => limit /= 2,
        }
    }
}

/// Finds out why the records end before the target.
async fn explain(log: &dyn MessageLog, job: &mut Job) -> Result<(), StoreError> {
    let reached = job.reached();
    job.end = match log.head(&job.key).await? {
        None => End::Gone,
        Some(head) if head.seq < job.applied() => End::Gone,
        Some(head) if head.seq <= reached => End::Reached,
        Some(_) => End::Broken(format!("record {} is missing", reached.next())),
    };
    Ok(())
}
