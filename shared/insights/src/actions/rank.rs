//! Which of the findings a summary shows, and which a gist keeps.

use std::cmp::Reverse;

use super::{ActionItem, Asked, Finding, Findings, Task};

/// Items of a summary.
const SHOWN: usize = 20;
/// Log odds that being the last word of a spoken meeting is worth: three task cues.
const LATE: u64 = 300;

impl Findings {
    /// What a gist keeps: the surest tasks, the newest of the rest.
    pub(crate) fn bounded(mut self, tasks: usize, others: usize) -> Self {
        keep_best(&mut self.tasks, tasks, |task| task.weight);
        keep_last(&mut self.settled, others);
        keep_last(&mut self.decisions, others);
        keep_last(&mut self.asked, others);
        self
    }

    /// The action items of a conversation of this many messages, in order.
    pub(crate) fn actions(&self, messages: u64, speech: bool) -> Vec<ActionItem> {
        let mut tasks: Vec<Task> = self.tasks.clone();
        if speech {
            let late = |task: &Task| i32::try_from(task.place * LATE / messages.max(1)).unwrap_or(i32::MAX / 2);
            let shown = (messages / 60).clamp(1, 3) + messages.saturating_sub(1000) / 500;
            keep_best(&mut tasks, usize::try_from(shown).unwrap_or(SHOWN).min(SHOWN), |task| {
                if task.spoken { task.weight + late(task) } else { task.weight / 2 }
            });
        } else {
            keep_best(&mut tasks, SHOWN, |task| task.weight);
        }
        tasks.into_iter().map(|task| task.item).collect()
    }

    /// The newest decisions, oldest first.
    pub(crate) fn decided(&self) -> Vec<Finding> {
        self.decisions[self.decisions.len().saturating_sub(SHOWN / 2)..].to_vec()
    }

    /// The newest open questions, oldest first.
    pub(crate) fn open(&self) -> Vec<Finding> {
        let open: Vec<&Asked> = self.asked.iter().collect();
        open[open.len().saturating_sub(SHOWN / 2)..].iter().map(|asked| asked.finding.clone()).collect()
    }
}

fn keep_last<T>(list: &mut Vec<T>, limit: usize) {
    list.drain(..list.len().saturating_sub(limit));
}

/// Keeps the best, in their order; of equals the later ones.
fn keep_best<T>(list: &mut Vec<T>, limit: usize, rank: impl Fn(&T) -> i32) {
    if list.len() <= limit {
        return;
    }
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by_key(|at| (Reverse(rank(&list[*at])), Reverse(*at)));
    let mut keep = vec![false; list.len()];
    for at in &order[..limit] {
        keep[*at] = true;
    }
    let mut flags = keep.into_iter();
    list.retain(|_| flags.next().unwrap_or(false));
}
