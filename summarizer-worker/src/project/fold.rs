//! Records folded into steps. Pure but for the thread it runs on.

use shared::domain::{Record, Version};
use shared::ports::{ConversationRow, ProjectionStep};
use shared::projections::{ConversationView, participations};

use super::read::Job;

/// From so many records on, folding goes to a thread of its own.
const MANY: usize = 64;

/// A step with the row it leads to and the first record it was made from.
pub(crate) struct Folded {
    pub(crate) step: ProjectionStep,
    pub(crate) row: ConversationRow,
    pub(crate) first: Record,
}

/// Folds each job's records into a step; `None` for a job without records.
pub(crate) async fn fold(jobs: Vec<Job>) -> Vec<(Job, Option<Folded>)> {
    let records: usize = jobs.iter().map(|job| job.records.len()).sum();
    if records < MANY {
        return jobs.into_iter().map(step).collect();
    }
    let folding = tokio::task::spawn_blocking(move || jobs.into_iter().map(step).collect());
    match folding.await {
        Ok(folded) => folded,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going down: nothing more will be committed.
        Err(_) => Vec::new(),
    }
}

fn step(mut job: Job) -> (Job, Option<Folded>) {
    let records = std::mem::take(&mut job.records);
    if records.is_empty() {
        return (job, None);
    }
    let from = job.row.as_ref().map(|row| (row.view.applied_seq, row.view.digest));
    let mut row = job.row.take().unwrap_or_else(|| ConversationRow {
        key: job.key.clone(),
        view: ConversationView::empty(&job.key),
        summary: None,
        version: Version::ZERO,
        epoch: 0,
    });
    for record in &records {
        if !row.view.apply(record) {
            break;
        }
    }
    let participations = participations(&records);
    let Some(first) = records.into_iter().next() else { return (job, None) };
    let step = ProjectionStep { key: job.key.clone(), from, view: row.view.clone(), participations, whole: false };
    (job, Some(Folded { step, row, first }))
}
