//! Newest summaries in Redis. Law: versions only go up, and a text is kept for a few seconds.

use std::sync::Arc;
use std::time::Duration;

use redis::{AsyncTypedCommands as _, Script};
use shared::domain::{ConversationKey, Digest, SummaryVersion, Version};

use crate::redis::RedisLink;

/// How long a text is kept: as long as a summary is read often, it comes from the store this seldom.
pub(crate) const KEPT: Duration = Duration::from_secs(5);
/// How long versions below a fence are refused: longer than any read of the store may take.
const FENCED: Duration = Duration::from_mins(2);
/// A read waits for Redis this long at most.
const LIMIT: Duration = Duration::from_millis(20);
/// Versions go through Lua's numbers, which are exact up to here.
const HIGHEST: u64 = 1 << 53;

pub(super) struct Newest {
    link: Arc<RedisLink>,
    fence: Script,
    fill: Script,
}

impl Newest {
    pub(super) fn new(link: Arc<RedisLink>) -> Self {
        let (fence, fill) = (Script::new(include_str!("fence.lua")), Script::new(include_str!("fill.lua")));
        Self { link, fence, fill }
    }

    /// What is kept.
    pub(super) async fn get(&self, key: &ConversationKey) -> Option<SummaryVersion> {
        let name = name(key);
        let get = |mut connection: redis::aio::MultiplexedConnection| async move { connection.hget(name, "b").await };
        let text: String = self.link.call(LIMIT, get).await??;
        // Perhaps of another version of this program.
        serde_json::from_str(&text).ok()
    }

    /// Keeps it, unless something newer is known.
    pub(super) async fn fill(&self, key: &ConversationKey, summary: &SummaryVersion) {
        let Ok(text) = serde_json::to_string(summary) else { return };
        let mut script = self.fill.key(name(key));
        script.arg(summary.version.0.min(HIGHEST)).arg(text).arg(millis(KEPT));
        let call = |mut connection| async move { script.invoke_async::<()>(&mut connection).await };
        self.link.call(LIMIT, call).await;
    }

    /// Gives and keeps nothing below this version any more; without one, nothing at all. Answers whether Redis has
    /// said so.
    pub(super) async fn fence(&self, key: &ConversationKey, version: Option<Version>) -> bool {
        let mut script = self.fence.key(name(key));
        script.arg(version.map_or(HIGHEST, |version| version.0.min(HIGHEST))).arg(millis(FENCED));
        let call = |mut connection| async move { script.invoke_async::<()>(&mut connection).await };
        self.link.call(LIMIT, call).await.is_some()
    }
}

/// Tenant and conversation, whatever characters they have.
fn name(key: &ConversationKey) -> String {
    format!("recap:newest:{}", Digest::genesis(key))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
