//! The views in memory.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::{
    ConversationId, ConversationKey, Seq, Spend, SpendCap, SummaryPointer, SummaryVersion, TenantId, Timestamp, UserId,
    UtcDay, Version,
};
use shared::ports::{
    ArrivalMark, CasOutcome, ConversationRow, DeadLetter, Gist, GistKey, HistoryQuery, HistoryRow, ListQuery,
    ParticipationDelta, ProjectionStep, Span, StoreError, ViewStore,
};
use shared::projections::ConversationView;

use super::Faults;

#[derive(Default)]
pub(crate) struct MemoryViews {
    pub(crate) state: Mutex<State>,
    pub(crate) faults: Faults,
    /// So many of the next steps lose their race.
    pub(crate) stale: Faults,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) views: BTreeMap<ConversationKey, ConversationView>,
    pub(crate) users: BTreeMap<ConversationKey, BTreeMap<UserId, ParticipationDelta>>,
    pub(crate) summaries: BTreeMap<ConversationKey, Vec<SummaryVersion>>,
    pub(crate) gists: HashMap<(ConversationKey, GistKey), Gist>,
    spans: HashMap<(ConversationKey, GistKey), Span>,
    /// The newest number given to a version, and how often versions were taken back.
    given: BTreeMap<ConversationKey, (Version, u64)>,
    leases: HashMap<ConversationKey, (String, Timestamp)>,
    pub(crate) checkpoints: HashMap<String, ArrivalMark>,
    pub(crate) letters: BTreeMap<ConversationKey, DeadLetter>,
    pub(crate) spend: HashMap<(TenantId, UtcDay), Spend>,
    pub(crate) commits: u64,
}

impl State {
    pub(crate) fn pointer(&self, key: &ConversationKey) -> Option<SummaryPointer> {
        let newest = self.summaries.get(key)?.last().map(SummaryVersion::pointer)?;
        (newest.version == self.given(key).0).then_some(newest)
    }

    fn given(&self, key: &ConversationKey) -> (Version, u64) {
        self.given.get(key).copied().unwrap_or_default()
    }

    fn row(&self, key: &ConversationKey) -> Option<ConversationRow> {
        let view = self.views.get(key)?.clone();
        let (version, epoch) = self.given(key);
        Some(ConversationRow { key: key.clone(), view, summary: self.pointer(key), version, epoch })
    }

    fn step(&mut self, step: ProjectionStep) -> CasOutcome {
        let now = self.views.get(&step.key).map(|view| (view.applied_seq, view.digest));
        if now != step.from {
            return CasOutcome::Stale;
        }
        self.put(step);
        CasOutcome::Applied
    }

    fn put(&mut self, step: ProjectionStep) {
        let users = self.users.entry(step.key.clone()).or_default();
        if step.whole {
            users.clear();
        }
        for delta in step.participations {
            let Some(known) = users.get_mut(&delta.user) else {
                users.insert(delta.user.clone(), delta);
                continue;
            };
            known.messages += delta.messages;
            known.first = known.first.min(delta.first);
            if delta.last >= known.last {
                known.last = delta.last;
                known.last_seq = delta.last_seq;
            }
        }
        self.views.insert(step.key, step.view);
        self.commits += 1;
    }
}

#[async_trait]
impl ViewStore for MemoryViews {
    async fn conversations(&self, keys: &[ConversationKey]) -> Result<Vec<Option<ConversationRow>>, StoreError> {
        self.faults.check()?;
        let state = self.state.lock();
        Ok(keys.iter().map(|key| state.row(key)).collect())
    }

    async fn commit(&self, steps: Vec<ProjectionStep>) -> Result<Vec<CasOutcome>, StoreError> {
        self.faults.check()?;
        let mut state = self.state.lock();
        let step = |step| if self.stale.hit() { CasOutcome::Stale } else { state.step(step) };
        Ok(steps.into_iter().map(step).collect())
    }

    async fn replace(&self, step: ProjectionStep) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        state.users.remove(&step.key);
        state.put(step);
        Ok(())
    }

    async fn list(&self, _: &TenantId, _: &ListQuery) -> Result<(Vec<ConversationRow>, u64), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn history(&self, _: &TenantId, _: &UserId, _: &HistoryQuery) -> Result<(Vec<HistoryRow>, u64), StoreError> {
        Err(StoreError::Timeout)
    }

    async fn messages(&self, _: &TenantId) -> Result<u64, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn posted_in(
        &self,
        _: &TenantId,
        _: &UserId,
        _: Option<&ConversationId>,
        _: usize,
    ) -> Result<Vec<ConversationId>, StoreError> {
        Err(StoreError::Timeout)
    }

    async fn participants(&self, key: &ConversationKey) -> Result<u64, StoreError> {
        Ok(self.state.lock().users.get(key).map_or(0, BTreeMap::len) as u64)
    }

    async fn uncovered(
        &self,
        after: Option<&ConversationKey>,
        limit: usize,
    ) -> Result<Vec<ConversationRow>, StoreError> {
        self.faults.check()?;
        let state = self.state.lock();
        let behind = state.views.keys().filter(|key| after.is_none_or(|after| *key > after));
        let rows = behind.filter_map(|key| state.row(key));
        let uncovered = |row: &ConversationRow| row.view.messages > row.summary.map_or(0, |p| p.covers.messages);
        Ok(rows.filter(uncovered).take(limit).collect())
    }

    async fn idle(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        self.faults.check()?;
        let state = self.state.lock();
        let mut rows: Vec<_> = state.views.keys().filter_map(|key| state.row(key)).collect();
        rows.retain(|row| row.view.ended.is_none() && row.view.received_at < before);
        rows.sort_by_key(|row| row.view.received_at);
        rows.truncate(limit);
        Ok(rows)
    }

    async fn degraded(&self, before: Timestamp, limit: usize) -> Result<Vec<ConversationRow>, StoreError> {
        self.faults.check()?;
        let state = self.state.lock();
        let mut rows: Vec<_> = state.views.keys().filter_map(|key| state.row(key)).collect();
        rows.retain(|row| row.summary.is_some_and(|p| p.degraded && p.generated_at < before));
        rows.sort_by_key(|row| std::cmp::Reverse(row.view.newest.map(|newest| newest.timestamp)));
        rows.truncate(limit);
        Ok(rows)
    }

    async fn save_summary(
        &self,
        key: &ConversationKey,
        epoch: u64,
        previous: Version,
        summary: &SummaryVersion,
    ) -> Result<CasOutcome, StoreError> {
        self.faults.check()?;
        let mut state = self.state.lock();
        if state.given(key) != (previous, epoch) {
            return Ok(CasOutcome::Stale);
        }
        state.given.insert(key.clone(), (summary.version, epoch));
        state.summaries.entry(key.clone()).or_default().push(summary.clone());
        Ok(CasOutcome::Applied)
    }

    async fn retract(&self, key: &ConversationKey, messages: &[Seq]) -> Result<Version, StoreError> {
        self.faults.check()?;
        let mut state = self.state.lock();
        let (version, epoch) = state.given(key);
        let (Some(first), true) = (messages.first(), state.views.contains_key(key)) else { return Ok(version) };
        state.given.insert(key.clone(), (version, epoch + 1));
        let versions = state.summaries.entry(key.clone()).or_default();
        versions.retain(|version| version.covers.last_seq < *first);
        let State { gists, spans, .. } = &mut *state;
        gists.retain(|gist, _| gist.0 != *key || !spans.get(gist).is_some_and(|span| span.holds_any(messages)));
        Ok(version)
    }

    async fn newest_summary(&self, key: &ConversationKey) -> Result<Option<SummaryVersion>, StoreError> {
        let state = self.state.lock();
        let newest = state.summaries.get(key).and_then(|versions| versions.last().cloned());
        Ok(newest.filter(|newest| newest.version == state.given(key).0))
    }

    async fn summaries(
        &self,
        key: &ConversationKey,
        offset: u64,
        limit: usize,
    ) -> Result<(Vec<SummaryVersion>, u64), StoreError> {
        let state = self.state.lock();
        let versions = state.summaries.get(key).cloned().unwrap_or_default();
        let total = versions.len() as u64;
        let skip = usize::try_from(offset).unwrap();
        Ok((versions.into_iter().rev().skip(skip).take(limit).collect(), total))
    }

    async fn gist(&self, conversation: &ConversationKey, key: &GistKey) -> Result<Option<Gist>, StoreError> {
        self.faults.check()?;
        Ok(self.state.lock().gists.get(&(conversation.clone(), key.clone())).cloned())
    }

    async fn save_gist(
        &self,
        conversation: &ConversationKey,
        epoch: u64,
        key: &GistKey,
        span: Span,
        gist: &Gist,
    ) -> Result<(), StoreError> {
        self.faults.check()?;
        let mut state = self.state.lock();
        if state.given(conversation).1 != epoch {
            return Ok(());
        }
        state.spans.insert((conversation.clone(), key.clone()), span);
        state.gists.insert((conversation.clone(), key.clone()), gist.clone());
        Ok(())
    }

    async fn lease(
        &self,
        key: &ConversationKey,
        owner: &str,
        now: Timestamp,
        length: Duration,
    ) -> Result<bool, StoreError> {
        self.faults.check()?;
        let mut state = self.state.lock();
        if state.leases.get(key).is_some_and(|(other, until)| other != owner && *until > now) {
            return Ok(false);
        }
        state.leases.insert(key.clone(), (owner.to_owned(), now.plus(length)));
        Ok(true)
    }

    async fn release(&self, key: &ConversationKey, owner: &str) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        if state.leases.get(key).is_some_and(|(other, _)| other == owner) {
            state.leases.remove(key);
        }
        Ok(())
    }

    async fn reserve(&self, tenant: &TenantId, day: UtcDay, hold: Spend, cap: &SpendCap) -> Result<bool, StoreError> {
        self.faults.check()?;
        let mut state = self.state.lock();
        let spent = state.spend.entry((tenant.clone(), day)).or_default();
        let within = cap.holds(*spent + hold);
        if within {
            *spent += hold;
        }
        Ok(within)
    }

    async fn settle(&self, tenant: &TenantId, day: UtcDay, held: Spend, spent: Spend) -> Result<(), StoreError> {
        self.faults.check()?;
        let mut state = self.state.lock();
        let entry = state.spend.entry((tenant.clone(), day)).or_default();
        entry.tokens = (entry.tokens + spent.tokens).saturating_sub(held.tokens);
        entry.micros = (entry.micros + spent.micros).saturating_sub(held.micros);
        Ok(())
    }

    async fn spent(&self, tenant: &TenantId, day: UtcDay) -> Result<Spend, StoreError> {
        Ok(self.state.lock().spend.get(&(tenant.clone(), day)).copied().unwrap_or_default())
    }

    async fn erase(&self, key: &ConversationKey) -> Result<(), StoreError> {
        let mut state = self.state.lock();
        state.views.remove(key);
        state.users.remove(key);
        state.given.remove(key);
        state.summaries.remove(key);
        state.gists.retain(|(conversation, _), _| conversation != key);
        state.letters.remove(key);
        Ok(())
    }

    async fn checkpoint(&self, reader: &str) -> Result<ArrivalMark, StoreError> {
        self.faults.check()?;
        Ok(self.state.lock().checkpoints.get(reader).cloned().unwrap_or_default())
    }

    async fn save_checkpoint(&self, reader: &str, mark: &ArrivalMark) -> Result<(), StoreError> {
        self.faults.check()?;
        self.state.lock().checkpoints.insert(reader.to_owned(), mark.clone());
        Ok(())
    }

    async fn failed(&self, letter: &DeadLetter) -> Result<u32, StoreError> {
        let mut state = self.state.lock();
        let attempts = state.letters.get(&letter.key).map_or(0, |known| known.attempts) + 1;
        state.letters.insert(letter.key.clone(), DeadLetter { attempts, ..letter.clone() });
        Ok(attempts)
    }

    async fn succeeded(&self, key: &ConversationKey) -> Result<(), StoreError> {
        self.state.lock().letters.remove(key);
        Ok(())
    }

    async fn dead_letters(&self, attempts: u32, limit: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let state = self.state.lock();
        Ok(state.letters.values().filter(|l| l.attempts >= attempts).take(limit).cloned().collect())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The view of a conversation, for a test to look at or to spoil.
impl MemoryViews {
    pub(crate) fn view(&self, key: &ConversationKey) -> Option<ConversationView> {
        self.state.lock().views.get(key).cloned()
    }

    pub(crate) fn applied(&self, key: &ConversationKey) -> Seq {
        self.view(key).map_or(Seq::ZERO, |view| view.applied_seq)
    }

    pub(crate) fn versions(&self, key: &ConversationKey) -> Vec<SummaryVersion> {
        self.state.lock().summaries.get(key).cloned().unwrap_or_default()
    }
}
