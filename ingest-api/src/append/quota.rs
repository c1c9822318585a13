//! How many messages a conversation and a tenant may hold. Law: without a quota nothing is counted; with one, a post
//! costs no query but now and then one; once the number is read, what this process lets in never passes the quota.
//!
//! Several processes see each other's messages at their next reading, half a minute later at most, and a tenant's
//! messages are read from the views, which lag by milliseconds: by so much a quota can be passed, and no more.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use shared::domain::{ConversationKey, TenantId};
use shared::error_code::ErrorCode;
use shared::ports::{MessageLog, Ports, StoreError, ViewStore};
use shared_service::limits::{self, Limit};
use shared_service::{ApiError, ApiResult};
use tokio::time::{Instant, timeout};

use super::counts::{Counts, Next};
use crate::config::IngestConfig;

/// A number that cannot be read in this time is not waited for.
const READING: Duration = Duration::from_secs(2);

/// The quotas, and what is known of their use.
pub(crate) struct Quotas {
    per_conversation: u64,
    per_tenant: u64,
    log: Arc<dyn MessageLog>,
    views: Arc<dyn ViewStore>,
    conversations: Mutex<Counts<ConversationKey>>,
    tenants: Mutex<Counts<TenantId>>,
}

/// Room for messages that are on their way. Dropped without a word, all of them count as stored: their commit goes on.
pub(crate) struct Room {
    quotas: Arc<Quotas>,
    key: ConversationKey,
    messages: u64,
    stored: u64,
}

impl Quotas {
    pub(crate) fn new(ports: &Ports, config: &IngestConfig) -> Self {
        Self {
            per_conversation: config.max_messages_per_conversation,
            per_tenant: config.max_messages_per_tenant,
            log: Arc::clone(&ports.log),
            views: Arc::clone(&ports.views),
            conversations: Mutex::default(),
            tenants: Mutex::default(),
        }
    }

    /// Room for so many messages, else `quota_exceeded`. None where there is no quota. A `new` conversation got its name
    /// just now, so nothing need be read of it.
    pub(crate) async fn room(
        self: &Arc<Self>,
        key: &ConversationKey,
        new: bool,
        messages: u64,
    ) -> ApiResult<Option<Room>> {
        if !self.is_set() {
            return Ok(None);
        }
        if self.per_conversation > 0 && !new {
            let known = async { Ok(self.log.head(key).await?.map_or(0, |head| head.messages)) };
            know(&self.conversations, key, known).await;
        }
        if self.per_tenant > 0 {
            know(&self.tenants, &key.tenant, self.views.messages(&key.tenant)).await;
        }
        if !holds(&self.conversations, key, messages, self.per_conversation) {
            return Err(exceeded(Limit::MessagesPerConversation, "conversation", self.per_conversation));
        }
        if !holds(&self.tenants, &key.tenant, messages, self.per_tenant) {
            self.conversations.lock().settle(key, messages, 0);
            return Err(exceeded(Limit::MessagesPerTenant, "tenant", self.per_tenant));
        }
        Ok(Some(Room { quotas: Arc::clone(self), key: key.clone(), messages, stored: messages }))
    }

    /// A conversation, or a message of it, was erased: what is known of it and of its tenant is read again.
    pub(crate) fn erased(&self, key: &ConversationKey) {
        self.conversations.lock().forget(key);
        self.tenants.lock().forget(&key.tenant);
    }
}

impl Quotas {
    /// Whether there is any.
    pub(crate) fn is_set(&self) -> bool {
        self.per_conversation > 0 || self.per_tenant > 0
    }

    /// Something of a conversation was erased, by somebody else perhaps: it is read again soon.
    pub(crate) fn doubted(&self, key: &ConversationKey) {
        self.conversations.lock().doubt(key);
        self.tenants.lock().doubt(&key.tenant);
    }
}

impl Room {
    /// Only so many of them were stored.
    pub(crate) fn stored(mut self, messages: u64) {
        self.stored = messages.min(self.messages);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.quotas.conversations.lock().settle(&self.key, self.messages, self.stored);
        self.quotas.tenants.lock().settle(&self.key.tenant, self.messages, self.stored);
    }
}

/// Sees to it that a number is known. Where it cannot be read, posts are not held up: one of the next tries again.
async fn know<K: Clone + Eq + Hash>(
    counts: &Mutex<Counts<K>>,
    name: &K,
    number: impl Future<Output = Result<u64, StoreError>>,
) {
    let Next::Read(reading) = counts.lock().next(name, Instant::now()) else { return };
    let found = timeout(READING, number).await.unwrap_or(Err(StoreError::Timeout));
    let found = found.inspect_err(|error| tracing::warn!(hop = "append", %error, "a quota could not be counted"));
    counts.lock().read(name, &reading, found.ok());
}

fn holds<K: Clone + Eq + Hash>(counts: &Mutex<Counts<K>>, name: &K, messages: u64, most: u64) -> bool {
    most == 0 || counts.lock().hold(name, messages, most)
}

fn exceeded(limit: Limit, whose: &str, most: u64) -> ApiError {
    limits::refused(limit);
    let message = format!("this {whose} may hold {most} messages, and these would be more; nothing was stored");
    ApiError::new(ErrorCode::QuotaExceeded, message)
}
