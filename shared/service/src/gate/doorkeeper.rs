//! Who asks, when that is said in the first frame of a socket. Law: a key that comes late is checked and counted like
//! one that came in a header.

use std::sync::Arc;

use shared::domain::Caller;

use super::quotas::Counted;
use super::{State, credentials};
use crate::error::ApiResult;

/// Knows keys; in the extensions of every request for a socket.
#[derive(Clone)]
pub struct Doorkeeper {
    state: Arc<State>,
}

impl Doorkeeper {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    /// The owner of a key; else `unauthenticated`, `rate_limited` or `unavailable`.
    pub(crate) async fn caller(&self, key: &str) -> ApiResult<Caller> {
        let caller = self.state.keys.caller(credentials::checked(key)?).await?;
        let counted = self.state.quotas.count(&caller).await;
        match counted.as_ref().and_then(Counted::refusal) {
            Some(refusal) => Err(refusal),
            None => Ok(caller),
        }
    }
}
