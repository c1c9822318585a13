//! Acts that take something away, each with its entries in the audit record. Law: what was asked is on record before
//! anything is done, and an act goes on to its end when its caller hangs up.

use std::sync::Arc;

use shared::domain::{ActId, AuditEntry, Caller, Deed, Outcome};
use shared::error_code::ErrorCode;
use shared::ports::{AuditLog, Clock, IdSource, Ports};
use shared_service::{ApiError, ApiResult, Tasks};
use tracing::Instrument as _;

/// Carries out acts in tasks of their own.
#[derive(Clone)]
pub(crate) struct Acts {
    audit: Arc<dyn AuditLog>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    tasks: Tasks,
}

impl Acts {
    pub(crate) fn new(ports: &Ports, tasks: &Tasks) -> Self {
        let (audit, clock, ids) = (Arc::clone(&ports.audit), Arc::clone(&ports.clock), Arc::clone(&ports.ids));
        Self { audit, clock, ids, tasks: tasks.clone() }
    }

    /// Records that something was asked. Where that cannot be recorded, nothing may be done.
    pub(crate) async fn asked(&self, caller: &Caller, deed: Deed) -> ApiResult<AuditEntry> {
        let entry = AuditEntry {
            act: ActId::from_random(self.ids.random()),
            at: self.clock.now(),
            tenant: caller.tenant.clone(),
            actor: caller.actor(),
            deed,
            outcome: Outcome::Asked,
        };
        self.audit.record(&entry).await?;
        Ok(entry)
    }

    /// Records how it ended. Where that cannot be recorded the act stands as asked.
    pub(crate) async fn ended(&self, asked: &AuditEntry, outcome: Outcome) {
        if let Err(error) = self.audit.record(&asked.then(self.clock.now(), outcome)).await {
            tracing::warn!(act = %asked.act, %error, "the end of an act could not be recorded");
        }
    }

    /// Asked, done, ended.
    pub(crate) async fn carry_out<T: Send + 'static>(
        &self,
        caller: &Caller,
        deed: Deed,
        work: impl Future<Output = ApiResult<T>> + Send + 'static,
    ) -> ApiResult<T> {
        let (acts, caller, hold) = (self.clone(), caller.clone(), self.tasks.hold());
        let carrying = tokio::spawn(
            async move {
                let asked = acts.asked(&caller, deed).await?;
                let result = work.await;
                acts.ended(&asked, outcome(&result)).await;
                drop(hold);
                result
            }
            .in_current_span(),
        );
        carrying.await.unwrap_or_else(|panicked| Err(ApiError::internal(panicked)))
    }
}

fn outcome<T>(result: &ApiResult<T>) -> Outcome {
    match result.as_ref().map_err(ApiError::code) {
        Ok(_) => Outcome::Done,
        Err(ErrorCode::ConversationNotFound | ErrorCode::NotFound | ErrorCode::Conflict) => Outcome::Nothing,
        Err(_) => Outcome::Failed,
    }
}
