//! Reconcile: what arrived in the log but not in the views, because a notice was lost, and what was erased.
//!
//! Law: the stored checkpoint passes an arrival only after its conversation was projected, or became a dead letter.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ConversationKey, Seq};
use shared::ports::{Announcement, ArrivalMark, Notice, Ports, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::failures::{Failures, Verdict};
use crate::project::{Projector, ROUND};
use crate::{TaskResult, pause};

/// Under this name the checkpoint is kept.
const READER: &str = "project";
/// Arrivals looked at in one call.
const ARRIVALS: usize = 10_000;
/// With so many conversations behind, no further arrivals are looked at.
const BEHIND: usize = 10_000;
/// Pending erasures looked at in one call.
const ERASURES: usize = 100;

/// Looks regularly, at first over all behind the checkpoint, until the process stops.
pub(crate) async fn reconcile(
    ports: Ports,
    projector: Arc<Projector>,
    failures: Arc<Failures>,
    interval: Duration,
    stopping: CancellationToken,
) -> TaskResult {
    failures.recall().await;
    let mut reconciler = Reconciler { ports, projector, failures, mark: None, saved: None, behind: HashMap::new() };
    while !stopping.is_cancelled() {
        let done = tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            done = reconciler.once() => done,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "reconciling waits");
        }
        pause(interval, &stopping).await;
    }
    Ok(())
}

struct Reconciler {
    ports: Ports,
    projector: Arc<Projector>,
    failures: Arc<Failures>,
    /// How far was looked.
    mark: Option<ArrivalMark>,
    /// What the store knows of it.
    saved: Option<ArrivalMark>,
    /// Conversations that could not be projected yet, and from when on they are tried again. While there are any, the stored checkpoint stays.
    behind: HashMap<ConversationKey, (Seq, Instant)>,
}

impl Reconciler {
    async fn once(&mut self) -> Result<(), StoreError> {
        self.erasures().await?;
        let now = Instant::now();
        let due = self.behind.extract_if(|_, (_, from)| *from <= now);
        let behind: Vec<Notice> = due.map(|(key, (seq, _))| Notice { key, seq }).collect();
        self.project(behind).await?;
        loop {
            let more = self.arrivals().await?;
            self.save().await?;
            if !more {
                return Ok(());
            }
        }
    }

    /// One page of arrivals; answers whether there are more.
    async fn arrivals(&mut self) -> Result<bool, StoreError> {
        if self.behind.len() >= BEHIND {
            return Ok(false);
        }
        if self.mark.is_none() {
            self.saved = Some(self.ports.views.checkpoint(READER).await?);
            self.mark.clone_from(&self.saved);
        }
        let mark = self.mark.clone().unwrap_or_default();
        let arrivals = self.ports.log.arrivals(&mark, ARRIVALS).await?;
        let reached = arrivals.reached.into_iter().map(|reach| Notice { key: reach.key, seq: reach.seq });
        let unknown = reached.filter(|n| self.projector.known(&n.key).is_none_or(|applied| applied < n.seq)).collect();
        self.project(unknown).await?;
        self.mark = Some(arrivals.mark);
        Ok(arrivals.more)
    }

    async fn project(&mut self, mut notices: Vec<Notice>) -> Result<(), StoreError> {
        while !notices.is_empty() {
            let rest = notices.split_off(notices.len().min(ROUND));
            match self.projector.reach(notices.clone()).await {
                Ok(broken) => {
                    let failed: HashSet<&ConversationKey> = broken.iter().map(|(notice, _)| &notice.key).collect();
                    for notice in notices.iter().filter(|notice| !failed.contains(&notice.key)) {
                        self.failures.succeeded(&notice.key).await;
                    }
                    for (notice, reason) in broken {
                        if let Verdict::Retry(delay) = self.failures.failed(&notice.key, &reason).await {
                            self.behind.insert(notice.key, (notice.seq, Instant::now() + delay));
                        }
                    }
                }
                Err(error) => {
                    let left = notices.into_iter().chain(rest);
                    self.behind.extend(left.map(|notice| (notice.key, (notice.seq, Instant::now()))));
                    return Err(error);
                }
            }
            notices = rest;
        }
        Ok(())
    }

    async fn save(&mut self) -> Result<(), StoreError> {
        let Some(mark) = self.mark.as_ref().filter(|mark| self.saved.as_ref() != Some(*mark)) else { return Ok(()) };
        if self.behind.is_empty() {
            self.ports.views.save_checkpoint(READER, mark).await?;
            self.saved = Some(mark.clone());
        }
        Ok(())
    }

    /// Erasures that were cut short.
    async fn erasures(&mut self) -> Result<(), StoreError> {
        loop {
            let erased = self.ports.log.erasures(ERASURES).await?;
            for key in &erased {
                self.projector.erase(key).await?;
                self.behind.remove(key);
                self.ports.bus.announce(Announcement::Erased { key: key.clone() });
                if let Some(head) = self.ports.log.head(key).await? {
                    self.ports.bus.notify(Notice { key: key.clone(), seq: head.seq });
                }
            }
            if erased.len() < ERASURES {
                return Ok(());
            }
        }
    }
}
