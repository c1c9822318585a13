//! The audit record and erasures of users in memory, for tests of what is above them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use shared::domain::{AuditEntry, TenantId, Timestamp, UserId};
use shared::ports::{
    AuditLog, AuditMark, AuditPage, CasOutcome, Demand, ErasureState, StoreError, UserErasure, UserErasures,
};

/// Both ports in one.
#[derive(Debug, Default)]
pub struct MemoryAudit {
    entries: Mutex<Vec<AuditEntry>>,
    erasures: Mutex<BTreeMap<(TenantId, UserId), Kept>>,
}

#[derive(Debug)]
struct Kept {
    erasure: UserErasure,
    finished_at: Option<Timestamp>,
}

impl MemoryAudit {
    /// All entries.
    #[must_use]
    pub fn all(&self) -> Vec<AuditEntry> {
        self.entries.lock().clone()
    }
}

#[async_trait]
impl AuditLog for MemoryAudit {
    async fn record(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.entries.lock().push(entry.clone());
        Ok(())
    }

    async fn entries(&self, after: &AuditMark, limit: usize) -> Result<AuditPage, StoreError> {
        let from: usize = after.0.parse().unwrap_or(0);
        let entries: Vec<_> = self.entries.lock().iter().skip(from).take(limit).cloned().collect();
        let mark = AuditMark((from + entries.len()).to_string().into());
        Ok(AuditPage { more: entries.len() == limit, entries, mark })
    }
}

#[async_trait]
impl UserErasures for MemoryAudit {
    async fn demand(&self, tenant: &TenantId, user: &UserId, demand: &Demand) -> Result<bool, StoreError> {
        let new = || UserErasure::new(tenant.clone(), user.clone(), demand.clone());
        let mut erasures = self.erasures.lock();
        let kept = erasures.entry((tenant.clone(), user.clone()));
        let kept = kept.or_insert_with(|| Kept { erasure: new(), finished_at: None });
        if kept.finished_at.take().is_some() {
            kept.erasure = UserErasure { turn: kept.erasure.turn + 1, ..new() };
        } else if kept.erasure.demands.last() != Some(demand) {
            kept.erasure.turn += 1;
            return Ok(kept.erasure.join(demand.clone()));
        }
        Ok(true)
    }

    async fn running(&self, limit: usize) -> Result<Vec<UserErasure>, StoreError> {
        let erasures = self.erasures.lock();
        let running = erasures.values().filter(|kept| kept.finished_at.is_none());
        Ok(running.take(limit).map(|kept| kept.erasure.clone()).collect())
    }

    async fn state(&self, tenant: &TenantId, user: &UserId) -> Result<Option<ErasureState>, StoreError> {
        let erasures = self.erasures.lock();
        let kept = erasures.get(&(tenant.clone(), user.clone()));
        Ok(kept.map(|kept| ErasureState { asked_at: kept.erasure.asked_at(), finished_at: kept.finished_at }))
    }

    async fn save(&self, erasure: &UserErasure) -> Result<CasOutcome, StoreError> {
        Ok(self.change(erasure, |kept| kept.erasure = UserErasure { turn: erasure.turn + 1, ..erasure.clone() }))
    }

    async fn finish(&self, erasure: &UserErasure, at: Timestamp) -> Result<CasOutcome, StoreError> {
        Ok(self.change(erasure, |kept| {
            kept.erasure.turn += 1;
            kept.finished_at = Some(at);
        }))
    }
}

impl MemoryAudit {
    fn change(&self, erasure: &UserErasure, change: impl FnOnce(&mut Kept)) -> CasOutcome {
        let mut erasures = self.erasures.lock();
        let kept = erasures.get_mut(&(erasure.tenant.clone(), erasure.user.clone()));
        let Some(kept) = kept.filter(|kept| kept.finished_at.is_none() && kept.erasure.turn == erasure.turn) else {
            return CasOutcome::Stale;
        };
        change(kept);
        CasOutcome::Applied
    }
}
