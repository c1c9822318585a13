//! How large a message and a request may be.

use clap::Args;

/// Limits of what is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct MessageLimits {
    /// The most messages in one request
    #[arg(long, env = "MAX_MESSAGES", default_value_t = 1000)]
    pub max_messages: usize,
    /// The largest request body, in bytes
    #[arg(long, env = "MAX_BODY_BYTES", default_value_t = 8 * 1024 * 1024)]
    pub max_body_bytes: usize,
    /// The largest content of a message, in bytes
    #[arg(long, env = "MAX_CONTENT_BYTES", default_value_t = 32 * 1024)]
    pub max_content_bytes: usize,
    /// The largest metadata of a message, in bytes
    #[arg(long, env = "MAX_METADATA_BYTES", default_value_t = 8 * 1024)]
    pub max_metadata_bytes: usize,
    /// The deepest nesting of a message's metadata
    #[arg(long, env = "MAX_METADATA_DEPTH", default_value_t = 8)]
    pub max_metadata_depth: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            max_messages: 1000,
            max_body_bytes: 8 * 1024 * 1024,
            max_content_bytes: 32 * 1024,
            max_metadata_bytes: 8 * 1024,
            max_metadata_depth: 8,
        }
    }
}
