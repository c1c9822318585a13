//! Users erased: each message that a user had written when that was demanded gives way to a trace, and what was made
//! from it is taken back, conversation by conversation.
//!
//! Law: what is about to go is written down first. So a step can be done again, by whoever goes on after a crash and by
//! several at once, and an erasure is finished only when no view, summary or gist holds anything of it.

use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge};
use shared::domain::{ActId, AuditEntry, ConversationId, ConversationKey, Deed, Outcome, RecordBody, Seq, UserDigest};
use shared::ports::{
    Announcement, Append, AppendError, CasOutcome, Condition, Entry, Held, Notice, Ports, StoreError, UserErasure,
};
use tokio_util::sync::CancellationToken;

use crate::project::Projector;
use crate::{TaskResult, pause};

/// Erasures that are worked on in turn.
const AT_ONCE: usize = 64;
/// Messages that one step erases: a conversation is read once for each step that meets it.
const STEP: usize = 2_000;
/// Changes in one batch.
const BATCH: usize = 500;
/// For so long after its last step a worker has an erasure to itself, which saves double work and decides nothing.
const HELD: Duration = Duration::from_secs(2);
/// How often somebody else may change a message between looking and erasing.
const LOOKS: u32 = 5;

/// Carries out what is demanded, until the process stops.
pub(crate) async fn erase_users(
    ports: Ports,
    projector: Arc<Projector>,
    interval: Duration,
    stopping: CancellationToken,
) -> TaskResult {
    let me = ActId::from_random(ports.ids.random());
    let eraser = Eraser { ports, projector, me };
    while !stopping.is_cancelled() {
        let round = tokio::select! {
            () = stopping.cancelled() => return Ok(()),
            round = eraser.round() => round,
        };
        match round {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "erasures of users wait"),
        }
        pause(interval, &stopping).await;
    }
    Ok(())
}

struct Eraser {
    ports: Ports,
    projector: Arc<Projector>,
    /// By this others know who works on an erasure.
    me: ActId,
}

impl Eraser {
    /// One step of each erasure under way; answers whether there is more to do at once.
    async fn round(&self) -> Result<bool, StoreError> {
        let running = self.ports.user_erasures.running(AT_ONCE).await?;
        gauge!("recap_user_erasures_running").set(running.len() as f64);
        let mut more = false;
        for erasure in running {
            if self.is_anothers(&erasure) {
                continue;
            }
            match self.advance(erasure).await {
                Ok(CasOutcome::Applied) => more = true,
                Ok(CasOutcome::Stale) => {}
                Err(error) if error.is_transient() => return Err(error),
                // The others go on.
                Err(error) => tracing::error!(%error, "the erasure of a user is held up"),
            }
        }
        Ok(more)
    }

    /// Whether another worker took a step just now. A time too far off is that of a clock that differs.
    fn is_anothers(&self, erasure: &UserErasure) -> bool {
        let now = self.ports.clock.now();
        let held = erasure.held.filter(|held| held.by != self.me);
        held.is_some_and(|held| now < held.until && held.until <= now.plus(HELD))
    }

    /// Does what was written down, then looks for the next messages and writes them down.
    async fn advance(&self, mut erasure: UserErasure) -> Result<CasOutcome, StoreError> {
        let step = std::mem::take(&mut erasure.step);
        self.carry_out(&erasure, step).await?;
        let log = &self.ports.log;
        let found = log.written(&erasure.tenant, &erasure.user, erasure.until, &erasure.mark, STEP).await?;
        if found.places.is_empty() && !found.more && !erasure.begin_again() {
            return self.finish(erasure).await;
        }
        if !found.places.is_empty() || found.more {
            erasure.mark = found.mark;
            erasure.step = by_conversation(found.places);
        }
        self.save(&mut erasure).await
    }

    /// Keeps how far it has come, and that it is this worker's for a while.
    async fn save(&self, erasure: &mut UserErasure) -> Result<CasOutcome, StoreError> {
        erasure.held = Some(Held { by: self.me, until: self.ports.clock.now().plus(HELD) });
        let saved = self.ports.user_erasures.save(erasure).await?;
        erasure.turn += u64::from(saved == CasOutcome::Applied);
        Ok(saved)
    }

    /// Erases messages, takes back what was made from them, and brings the views to where that shows.
    async fn carry_out(&self, erasure: &UserErasure, step: Vec<(ConversationId, Vec<Seq>)>) -> Result<(), StoreError> {
        let mut notices = Vec::with_capacity(step.len());
        for (conversation, mut seqs) in step {
            seqs.sort_unstable();
            let key = ConversationKey::new(erasure.tenant.clone(), conversation);
            for part in seqs.chunks(BATCH) {
                self.erase(erasure, &key, part).await?;
            }
            let version = self.ports.views.retract(&key, &seqs).await?;
            self.ports.bus.announce(Announcement::Retracted { key: key.clone(), version });
            if let Some(head) = self.ports.log.head(&key).await? {
                let notice = Notice { key, seq: head.seq };
                self.ports.bus.notify(notice.clone());
                notices.push(notice);
            }
        }
        // One that cannot be projected shows nothing either: its view stands before all that was not read.
        for (notice, reason) in self.projector.reach(notices).await? {
            let seq = notice.seq.0;
            tracing::warn!(seq, reason, "a conversation of an erased user cannot be projected");
        }
        Ok(())
    }

    /// Erases those of the messages that are the user's still: the conversation may have been erased meanwhile, and
    /// another one have its name. Those that have gone are named too: a crash may have come before their record.
    async fn erase(&self, erasure: &UserErasure, key: &ConversationKey, seqs: &[Seq]) -> Result<(), StoreError> {
        let places: Vec<_> = seqs.iter().map(|seq| (key.clone(), *seq)).collect();
        for _ in 0..LOOKS {
            let records = self.ports.log.records(&places).await?.into_iter().flatten();
            let theirs = records.filter(|record| match &record.body {
                RecordBody::Posted(posted) => posted.user == erasure.user && record.received_at <= erasure.until,
                body => matches!(body, RecordBody::Removed(_)),
            });
            let entries: Vec<_> = theirs.map(|record| Entry::Erased(record.seq)).collect();
            if entries.is_empty() {
                return Ok(());
            }
            let (received_at, condition) = (self.ports.clock.now(), Condition::Always);
            let batch = Append { key: key.clone(), entries, idempotency: None, received_at, condition };
            match self.ports.log.append(vec![batch]).await.pop() {
                Some(Ok(appended)) => {
                    counter!("recap_erased_messages_total").increment(u64::from(appended.inserted));
                    return Ok(());
                }
                // Somebody else was there in between.
                Some(Err(AppendError::NotFound | AppendError::NoMessage { .. })) => {}
                Some(Err(error)) => return Err(StoreError::unavailable(error)),
                None => return Err(StoreError::Timeout),
            }
        }
        Err(StoreError::Timeout)
    }

    /// Recorded before it counts as finished, by the one worker that could save it: after a crash between the two it is
    /// recorded twice, and never not at all.
    async fn finish(&self, mut erasure: UserErasure) -> Result<CasOutcome, StoreError> {
        if self.save(&mut erasure).await? == CasOutcome::Stale {
            return Ok(CasOutcome::Stale);
        }
        let at = self.ports.clock.now();
        for demand in &erasure.demands {
            let entry = AuditEntry {
                act: demand.act,
                at,
                tenant: erasure.tenant.clone(),
                actor: demand.actor.clone(),
                deed: Deed::EraseUser { user: UserDigest::of(&erasure.tenant, &erasure.user) },
                outcome: Outcome::Done,
            };
            self.ports.audit.record(&entry).await?;
        }
        let finished = self.ports.user_erasures.finish(&erasure, at).await?;
        if finished == CasOutcome::Applied {
            tracing::info!("a user was erased");
        }
        Ok(finished)
    }
}

fn by_conversation(places: Vec<(ConversationKey, Seq)>) -> Vec<(ConversationId, Vec<Seq>)> {
    let mut grouped = std::collections::BTreeMap::<ConversationId, Vec<Seq>>::new();
    for (key, seq) in places {
        grouped.entry(key.conversation).or_default().push(seq);
    }
    grouped.into_iter().collect()
}
