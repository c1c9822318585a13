//! Settings of ingest. Law: every queue and every wait has a bound, and none can be switched off.

use std::time::Duration;

use clap::Args;
use shared::config::{MessageLimits, duration};

/// How much is taken in, and how it is brought to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct IngestConfig {
    /// Limits of what is posted.
    #[command(flatten)]
    pub limits: MessageLimits,
    /// Commits that run at the same time; each conversation belongs to one lane
    #[arg(long, env = "APPEND_LANES", default_value_t = 2, value_parser = count)]
    pub append_lanes: usize,
    /// The most requests that wait in a lane; further ones are answered with 503
    #[arg(long, env = "APPEND_QUEUE_REQUESTS", default_value_t = 4096, value_parser = count)]
    pub append_queue_requests: usize,
    /// The most bytes that wait in a lane or are being committed; one request always fits
    #[arg(long, env = "APPEND_QUEUE_BYTES", default_value_t = 64 * 1024 * 1024, value_parser = count)]
    pub append_queue_bytes: usize,
    /// A commit takes no further request once it has this many messages
    #[arg(long, env = "APPEND_COMMIT_MESSAGES", default_value_t = 8192, value_parser = count)]
    pub append_commit_messages: usize,
    /// A commit takes no further request once it has this many bytes
    #[arg(long, env = "APPEND_COMMIT_BYTES", default_value_t = 8 * 1024 * 1024, value_parser = count)]
    pub append_commit_bytes: usize,
    /// How long a request waits to become durable before it is answered with 503
    #[arg(long, env = "APPEND_TIMEOUT", default_value = "10s", value_parser = wait)]
    pub append_timeout: Duration,
    /// The most messages that a conversation may hold; 0 = no limit
    #[arg(long, env = "MAX_MESSAGES_PER_CONVERSATION", default_value_t = 0)]
    pub max_messages_per_conversation: u64,
    /// The most messages that all conversations of a tenant may hold together; 0 = no limit
    #[arg(long, env = "MAX_MESSAGES_PER_TENANT", default_value_t = 0)]
    pub max_messages_per_tenant: u64,
    /// The most conversations that are erased at the same time; further requests are answered with 503
    #[arg(long, env = "ERASE_CONCURRENCY", default_value_t = 16, value_parser = count)]
    pub erase_concurrency: usize,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            limits: MessageLimits::default(),
            append_lanes: 2,
            append_queue_requests: 4096,
            append_queue_bytes: 64 * 1024 * 1024,
            append_commit_messages: 8192,
            append_commit_bytes: 8 * 1024 * 1024,
            append_timeout: Duration::from_secs(10),
            max_messages_per_conversation: 0,
            max_messages_per_tenant: 0,
            erase_concurrency: 16,
        }
    }
}

/// The largest count that is taken: what a semaphore can hold on any machine.
const MOST: usize = u32::MAX as usize >> 3;

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=MOST) => Ok(count),
        _ => Err(format!("must be a whole number from 1 to {MOST}")),
    }
}

fn wait(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be longer than nothing, such as 10s".to_owned()),
        wait => Ok(wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Process {
        #[command(flatten)]
        ingest: IngestConfig,
    }

    #[test]
    fn the_defaults_of_flags_and_of_code_are_the_same() {
        assert_eq!(Process::try_parse_from(["x"]).unwrap().ingest, IngestConfig::default());
    }

    #[test]
    fn nothing_can_be_switched_off() {
        for wrong in
            ["--append-lanes=0", "--append-queue-bytes=0", "--append-timeout=0", "--append-commit-messages=9999999999"]
        {
            assert!(Process::try_parse_from(["x", wrong]).is_err(), "{wrong}");
        }
    }
}
