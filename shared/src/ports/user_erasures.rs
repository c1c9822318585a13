//! Users whose messages are to go: what was asked, and how far it has come.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::message_log::WrittenMark;
use super::{CasOutcome, StoreError};
use crate::domain::{ActId, Actor, ConversationId, Seq, TenantId, Timestamp, UserId};

/// The most demands that are joined to one erasure under way.
pub const MOST_DEMANDS: usize = 64;

/// Where erasures of users are kept.
///
/// Laws:
/// 1. A demand is durable when `demand` says yes, and is found by `running` until it is carried out.
/// 2. There is one erasure for a user. A demand that meets one under way is joined to it, and what was
///    received up to the latest demand goes.
/// 3. `save` and `finish` take place only where nothing was saved or demanded since the erasure was read.
/// 4. Of a finished erasure the user's name is not kept.
#[async_trait]
pub trait UserErasures: Send + Sync + 'static {
    /// All that was received of a user up to `demand.at` is to go. False: [`MOST_DEMANDS`] wait already, and this one
    /// was not joined to them.
    async fn demand(&self, tenant: &TenantId, user: &UserId, demand: &Demand) -> Result<bool, StoreError>;

    /// Erasures under way, at most `limit`.
    async fn running(&self, limit: usize) -> Result<Vec<UserErasure>, StoreError>;

    /// How far the latest erasure of a user has come; none if there never was one.
    async fn state(&self, tenant: &TenantId, user: &UserId) -> Result<Option<ErasureState>, StoreError>;

    /// Keeps how far an erasure has come. Its next turn is one higher.
    async fn save(&self, erasure: &UserErasure) -> Result<CasOutcome, StoreError>;

    /// An erasure was carried out; refused (`Stale`) where more was demanded since.
    async fn finish(&self, erasure: &UserErasure, at: Timestamp) -> Result<CasOutcome, StoreError>;
}

/// Somebody's demand that a user be erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// Under which its entries of the audit record stand.
    pub act: ActId,
    /// Who asked.
    #[serde(flatten)]
    pub actor: Actor,
    /// When: what was received later stays.
    pub at: Timestamp,
}

/// Where an erasure stands for whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErasureState {
    /// The latest demand.
    pub asked_at: Timestamp,
    /// When it was carried out.
    pub finished_at: Option<Timestamp>,
}

/// An erasure under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserErasure {
    /// Whose user.
    pub tenant: TenantId,
    /// Who.
    pub user: UserId,
    /// All demands, oldest first; at least one.
    pub demands: Vec<Demand>,
    /// For how many of them this walk through the log is made. If there are more, another one follows.
    pub covered: usize,
    /// What was received up to then goes in this walk.
    pub until: Timestamp,
    /// How far the walk has come.
    pub mark: WrittenMark,
    /// Messages that are being erased: kept before the first of them goes, so that whoever goes on after a crash knows
    /// what else is to be taken back.
    pub step: Vec<(ConversationId, Vec<Seq>)>,
    /// Who works on it. Saves double work, and decides nothing.
    pub held: Option<Held>,
    /// Counts changes of this.
    pub turn: u64,
}

/// That somebody works on an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// A number of the worker's own.
    pub by: ActId,
    /// Up to then it may be taken for alive.
    pub until: Timestamp,
}

impl UserErasure {
    /// One that was just demanded.
    #[must_use]
    pub fn new(tenant: TenantId, user: UserId, demand: Demand) -> Self {
        let until = demand.at;
        Self {
            tenant,
            user,
            demands: vec![demand],
            covered: 1,
            until,
            mark: WrittenMark::default(),
            step: Vec::new(),
            held: None,
            turn: 0,
        }
    }

    /// Joins a demand; false if there are too many.
    pub fn join(&mut self, demand: Demand) -> bool {
        let room = self.demands.len() < MOST_DEMANDS;
        if room {
            self.demands.push(demand);
        }
        room
    }

    /// Up to when something was demanded.
    #[must_use]
    pub fn asked_at(&self) -> Timestamp {
        self.demands.iter().map(|demand| demand.at).max().unwrap_or(self.until)
    }

    /// Begins the walk for what was demanded since the last one began; false if nothing was.
    pub fn begin_again(&mut self) -> bool {
        let more = self.demands.len() > self.covered;
        if more {
            (self.covered, self.until, self.mark) = (self.demands.len(), self.asked_at(), WrittenMark::default());
        }
        more
    }
}
