//! One new version of a summary: lease, cut, fold, proof, compare-and-set.

use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use shared::domain::{ConversationKey, Coverage, FallbackReason, Record, Seq, SummaryPointer, SummaryVersion, Trigger};
use shared::ports::{
    Announcement, CasOutcome, ConversationRow, News, Notice, Ports, StoreError, Summarizer, SummarizerError, SummaryRun,
};
use thiserror::Error;
use tracing::Instrument as _;

use super::cut::{CutMaterial, Cutter};
use super::engine::EngineRun;
use super::engines::Engines;
use super::flight::Flights;
use super::gists::Gists;
use crate::project::Projector;

/// Records read from the log in one call.
const CHUNK: usize = 500;
/// After so many lost races with other workers it is tried again later.
const RACES: usize = 3;
/// With more gists than this of what came since, a summary is made from the whole.
const FRESH: usize = 8;

/// Makes summaries.
pub(crate) struct Summaries {
    pub(crate) ports: Ports,
    pub(crate) engines: Engines,
    projector: Arc<Projector>,
    gists: Gists,
    flights: Flights,
    owner: String,
    lease: Duration,
}

/// A conversation as it was read for a version.
struct Read<'a> {
    cutter: Cutter<'a>,
    material: CutMaterial,
    /// The last message.
    last: Record,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// A new version was stored.
    Stored(SummaryPointer),
    /// A version that covers it was there.
    Covered(SummaryPointer),
    /// There is no such conversation, or nobody has written in it.
    Gone,
    /// Another worker is at it.
    Busy,
}

/// Why there is no new version.
#[derive(Debug, Clone, Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Engine(#[from] SummarizerError),
    /// Log, view and cut do not belong together; what was found, without any text.
    #[error("coverage cannot be proved: {0}")]
    Mismatch(String),
    /// Others were faster, again and again.
    #[error("other workers were faster")]
    Races,
}

impl RunError {
    /// Whether a later run may do better without anybody's help.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Engine(error) => error.is_transient(),
            Self::Mismatch(_) => false,
            Self::Races => true,
        }
    }
}

impl Summaries {
    pub(crate) fn new(ports: Ports, engines: Engines, projector: Arc<Projector>, lease: Duration) -> Self {
        let owner = format!("{:032x}", u128::from_be_bytes(ports.ids.random()));
        let gists = Gists::new(ports.clone());
        Self { ports, engines, projector, gists, flights: Flights::default(), owner, lease }
    }

    /// The conversation as the store has it now.
    pub(crate) async fn row(&self, key: &ConversationKey) -> Result<Option<ConversationRow>, StoreError> {
        Ok(self.ports.views.conversations(std::slice::from_ref(key)).await?.into_iter().next().flatten())
    }

    /// A version that covers `at_least`, made now if there is none. Projects first where the view is behind.
    pub(crate) async fn at_least(&self, key: &ConversationKey, at_least: Seq) -> Result<Made, RunError> {
        let mut row = self.row(key).await?;
        if row.as_ref().is_none_or(|row| row.view.applied_seq < at_least) {
            let notice = Notice { key: key.clone(), seq: at_least.max(Seq(1)) };
            if let Some((_, reason)) = self.projector.reach(vec![notice]).await?.pop() {
                return Err(RunError::Mismatch(reason));
            }
            row = self.row(key).await?;
        }
        let Some(row) = row else { return Ok(Made::Gone) };
        let at_least = at_least.min(row.view.last_message);
        match self.run(key, Trigger::Demand, at_least).await? {
            Made::Covered(pointer) if self.is_foreign(key, &pointer).await? => self.redo(key, pointer, at_least).await,
            made => Ok(made),
        }
    }

    /// Makes again what another engine than the wanted one wrote. What is there will do, if that cannot be done now.
    async fn redo(&self, key: &ConversationKey, pointer: SummaryPointer, at_least: Seq) -> Result<Made, RunError> {
        match self.run(key, Trigger::Redo, at_least).await {
            Err(RunError::Engine(error)) => {
                tracing::debug!(%error, "the summary of another engine stays for now");
                Ok(Made::Covered(pointer))
            }
            made => made,
        }
    }

    /// Whether another engine than the wanted one wrote a version. Nothing is foreign without a model.
    async fn is_foreign(&self, key: &ConversationKey, pointer: &SummaryPointer) -> Result<bool, StoreError> {
        if self.engines.fallback.is_none() || pointer.degraded {
            return Ok(pointer.degraded && self.engines.fallback.is_some());
        }
        let newest = self.ports.views.newest_summary(key).await?;
        Ok(newest.is_some_and(|newest| newest.engine != self.engines.wanted.engine()))
    }

    /// A new version, unless one that covers `at_least` is there.
    pub(crate) async fn run(&self, key: &ConversationKey, trigger: Trigger, at_least: Seq) -> Result<Made, RunError> {
        let span = tracing::info_span!("summarize", tenant = %key.tenant, conversation = %key.conversation, ?trigger);
        let begun = tokio::time::Instant::now();
        let made = self.run_alone(key, trigger, at_least).instrument(span).await;
        let outcome = match &made {
            Ok(Made::Stored(_)) => "stored",
            Ok(Made::Covered(_)) => "covered",
            Ok(Made::Gone) => "gone",
            Ok(Made::Busy) => "busy",
            Err(error) if error.is_transient() => "retry",
            Err(_) => "failed",
        };
        let engine = self.engines.wanted.engine().to_string();
        metrics::histogram!("recap_summarize_duration_seconds", "engine" => engine, "outcome" => outcome)
            .record(begun.elapsed().as_secs_f64());
        made
    }

    async fn run_alone(&self, key: &ConversationKey, trigger: Trigger, at_least: Seq) -> Result<Made, RunError> {
        let _flight = self.flights.begin(key).await;
        for _ in 0..RACES {
            let Some(row) = self.row(key).await? else { return Ok(Made::Gone) };
            if row.view.messages == 0 {
                return Ok(Made::Gone);
            }
            if let Some(pointer) = row.summary.filter(|pointer| pointer.covers.last_seq >= at_least)
                && (trigger != Trigger::Redo || !self.is_foreign(key, &pointer).await?)
            {
                return Ok(Made::Covered(pointer));
            }
            if !self.ports.views.lease(key, &self.owner, self.ports.clock.now(), self.lease).await? {
                return Ok(Made::Busy);
            }
            let made = self.with_lease(key, self.by_either(&row, trigger)).await;
            self.release(key).await;
            match made {
                Ok(None) => tracing::debug!("another worker stored a version first"),
                Ok(Some(pointer)) => return Ok(Made::Stored(pointer)),
                Err(RunError::Mismatch(reason)) if self.moved_on(&row).await? => {
                    tracing::debug!(reason, "the conversation changed meanwhile");
                }
                Err(error) => return Err(error),
            }
        }
        Err(RunError::Races)
    }

    /// Prolongs the lease while the work goes on. Losing it costs double work, nothing else.
    async fn with_lease<T>(&self, key: &ConversationKey, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let mut beat = tokio::time::interval(self.lease.max(Duration::from_millis(30)) / 3);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        beat.reset();
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = beat.tick() => {
                    let now = self.ports.clock.now();
                    if let Err(error) = self.ports.views.lease(key, &self.owner, now, self.lease).await {
                        tracing::warn!(%error, "a lease could not be prolonged");
                    }
                }
            }
        }
    }

    async fn release(&self, key: &ConversationKey) {
        if let Err(error) = self.ports.views.release(key, &self.owner).await {
            tracing::warn!(%error, "a lease runs out by itself");
        }
    }

    /// Whether the view is no longer the one that the run began with, or is about to move: the texts behind it may have
    /// been changed by what it does not know yet.
    async fn moved_on(&self, row: &ConversationRow) -> Result<bool, StoreError> {
        let now = self.row(&row.key).await?;
        if now.is_none_or(|now| now.view.digest != row.view.digest) {
            return Ok(true);
        }
        Ok(self.ports.log.head(&row.key).await?.is_none_or(|head| head.seq > row.view.applied_seq))
    }

    /// A version by the wanted engine, else by the one that takes its place.
    async fn by_either(&self, row: &ConversationRow, trigger: Trigger) -> Result<Option<SummaryPointer>, RunError> {
        let error = match self.version(row, trigger, &*self.engines.wanted, None).await {
            Err(RunError::Engine(error)) => error,
            made => return made,
        };
        let Some(fallback) = self.engines.fallback.as_ref().filter(|_| trigger != Trigger::Redo) else {
            return Err(error.into());
        };
        let reason = error.fallback();
        tracing::warn!(%error, reason = reason.as_str(), "the local engine answers for the model");
        metrics::counter!("recap_summarize_fallbacks_total", "reason" => reason.as_str()).increment(1);
        self.version(row, trigger, &**fallback, Some(reason)).await
    }

    /// Makes and stores the version after the row's; `None` if somebody else stored one meanwhile.
    async fn version(
        &self,
        row: &ConversationRow,
        trigger: Trigger,
        engine: &dyn Summarizer,
        fallback: Option<FallbackReason>,
    ) -> Result<Option<SummaryPointer>, RunError> {
        let begun = self.ports.clock.now();
        let run = EngineRun::new(engine, SummaryRun { key: row.key.clone(), trigger });
        let Read { mut cutter, material, last } = self.read(row, &run).await?;
        let fresh = material.fresh.as_deref().filter(|fresh| fresh.len() <= FRESH);
        let before = match (&fresh, row.summary) {
            (Some(_), Some(pointer)) if !pointer.degraded => self.ports.views.newest_summary(&row.key).await?,
            _ => None,
        };
        let before = before.filter(|before| before.engine == engine.engine() && !before.degraded);
        let before = before.filter(|before| row.summary.is_some_and(|pointer| pointer.version == before.version));
        let news = before.as_ref().zip(fresh);
        let news = news.map(|(before, gists)| News { before, gists, since_whole: material.since_whole });
        let folded = run.fold(material.of(news)).await?;
        cutter.noted(row.view.last_message, &folded).await?;
        let bill = run.bill();
        let covers = Coverage {
            first_seq: row.view.first_message,
            last_seq: row.view.last_message,
            messages: row.view.messages,
            digest: row.view.message_digest,
        };
        let previous = row.version;
        let now = self.ports.clock.now();
        let maker = engine.maker();
        let version = SummaryVersion {
            version: previous.next(),
            covers,
            content: folded.content,
            engine: engine.engine(),
            prompt_version: CompactString::new(maker.rsplit('/').next().unwrap_or_default()),
            degraded: fallback.is_some(),
            fallback,
            trigger,
            usage: bill.usage,
            dropped: bill.dropped,
            latency_ms: u64::try_from(now.since(begun).as_millis()).unwrap_or(u64::MAX),
            generated_at: now,
        };
        cutter.keep(&covers.digest).await?;
        let saved = self.ports.views.save_summary(&row.key, row.epoch, previous, &version).await?;
        if !self.still_there(&row.key, &last).await? || saved == CasOutcome::Stale {
            return Ok(None);
        }
        self.stored(row, version.pointer());
        Ok(Some(version.pointer()))
    }

    /// Reads on from the cut of the newest version up to the view's last message, and proves that it met the view. A cut
    /// that does not fit, or of which a gist is lost, is as good as none.
    async fn read<'a>(&'a self, row: &'a ConversationRow, engine: &'a EngineRun<'a>) -> Result<Read<'a>, RunError> {
        if let Some(pointer) = row.summary {
            let cut = self.gists.cut(&row.key, &engine.maker(), &pointer.covers.digest).await?;
            if let Some(cut) = cut {
                let cutter = Cutter::new(&self.gists, engine, &row.key, row.epoch, Some(cut));
                match self.read_on(row, cutter).await {
                    Err(RunError::Mismatch(reason)) => {
                        tracing::warn!(reason, "a stored cut does not do: the log is read from its start");
                    }
                    result => return result,
                }
            }
        }
        self.read_on(row, Cutter::new(&self.gists, engine, &row.key, row.epoch, None)).await
    }

    async fn read_on<'a>(&self, row: &ConversationRow, mut cutter: Cutter<'a>) -> Result<Read<'a>, RunError> {
        let view = &row.view;
        let mut last = None;
        while cutter.next() <= view.last_message {
            let records = self.ports.log.read(&row.key, cutter.next(), CHUNK).await?;
            if records.is_empty() {
                return Err(RunError::Mismatch(format!("record {} is missing", cutter.next())));
            }
            for record in records {
                if record.seq > view.last_message {
                    break;
                }
                if record.seq == view.last_message {
                    last = Some(record.clone());
                }
                cutter.push(record).await?;
            }
        }
        if cutter.chain() != view.message_digest || cutter.messages() != view.messages {
            return Err(RunError::Mismatch(format!("the chain differs at record {}", view.last_message)));
        }
        let Some(last) = last else {
            return Err(RunError::Mismatch("the cut lies behind the last message".to_owned()));
        };
        let material = cutter.material().await?;
        Ok(Read { cutter, material, last })
    }

    /// What was derived from a conversation that was erased meanwhile must not stay.
    async fn still_there(&self, key: &ConversationKey, last: &Record) -> Result<bool, StoreError> {
        let found = self.ports.log.records(&[(key.clone(), last.seq)]).await?.into_iter().next().flatten();
        if found.is_some_and(|found| found.is(last)) {
            return Ok(true);
        }
        self.projector.erase(key).await?;
        if let Some(head) = self.ports.log.head(key).await? {
            self.ports.bus.notify(Notice { key: key.clone(), seq: head.seq });
        }
        Ok(false)
    }

    fn stored(&self, row: &ConversationRow, pointer: SummaryPointer) {
        self.projector.rows().summarized(&row.key, pointer);
        let key = row.key.clone();
        self.ports.bus.announce(Announcement::Summarized { key: key.clone(), version: pointer.version });
        if row.view.ended.is_some() {
            self.ports.bus.announce(Announcement::Ended { key });
        }
    }
}
