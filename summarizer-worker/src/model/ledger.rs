//! Money: reserved before a call, settled after. Law: a tenant's day never passes its cap, whoever dies when; what is
//! not known is taken as spent.

use std::sync::Arc;

use shared::domain::{Spend, SpendCap, TenantId, Usage, UtcDay};
use shared::ports::{Clock, StoreError, ViewStore};

use super::config::{Price, spend};

/// The books, and what may be written in them.
pub(crate) struct Ledger {
    views: Arc<dyn ViewStore>,
    clock: Arc<dyn Clock>,
    cap: SpendCap,
    price: Option<Price>,
}

/// A call's hold. Dropped unsettled, it stands.
#[derive(Debug)]
#[must_use]
pub(crate) struct Hold {
    tenant: TenantId,
    day: UtcDay,
    spend: Spend,
}

impl Ledger {
    pub(crate) fn new(views: Arc<dyn ViewStore>, clock: Arc<dyn Clock>, cap: SpendCap, price: Option<Price>) -> Self {
        Self { views, clock, cap, price }
    }

    /// Holds what a call may cost at most; `None` where the cap would be passed.
    pub(crate) async fn reserve(&self, tenant: &TenantId, most: Usage) -> Result<Option<Hold>, StoreError> {
        let day = UtcDay::of(self.clock.now());
        let hold = Hold { tenant: tenant.clone(), day, spend: spend(most, self.price.as_ref()) };
        let within = self.views.reserve(tenant, day, hold.spend, &self.cap).await?;
        if !within {
            metrics::counter!("recap_llm_cap_refusals_total").increment(1);
        }
        Ok(within.then_some(hold))
    }

    /// Writes down what a call has cost.
    pub(crate) async fn settle(&self, hold: Hold, usage: Usage) {
        let spent = spend(usage, self.price.as_ref());
        if spent == hold.spend {
            return;
        }
        if let Err(error) = self.views.settle(&hold.tenant, hold.day, hold.spend, spent).await {
            tracing::warn!(%error, "a call's cost could not be settled: what was held for it counts as spent");
        }
    }
}
