//! Settings of the query and push hops: each a flag and an environment variable of the same words.

use std::time::Duration;

use clap::Args;
use shared::config::duration;

/// Settings of query-api.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct QueryConfig {
    /// How long a request waits for a summary that is being made
    #[arg(long, env = "SUMMARIZE_TIMEOUT", default_value = "30s", value_parser = duration)]
    pub summarize_timeout: Duration,
    /// The most WebSocket listeners of this process
    #[arg(long, env = "MAX_SOCKETS", default_value_t = 10_000)]
    pub max_sockets: usize,
    /// The most WebSocket listeners of each key; 0 = no limit
    #[arg(long, env = "MAX_SOCKETS_PER_KEY", default_value_t = 1000)]
    pub max_sockets_per_key: usize,
    /// The most WebSocket listeners of each address without a key; 0 = no limit [default: 100, and no limit for this machine's own programs]
    #[arg(long, env = "MAX_SOCKETS_PER_ADDRESS")]
    pub max_sockets_per_address: Option<usize>,
    /// The most WebSocket listeners of one conversation; 0 = no limit
    #[arg(long, env = "MAX_SOCKETS_PER_CONVERSATION", default_value_t = 10_000)]
    pub max_sockets_per_conversation: usize,
    /// The most frames that a WebSocket client may send in a second
    #[arg(long, env = "SOCKET_FRAMES", default_value_t = 20)]
    pub socket_frames: u32,
    /// How long a WebSocket client may take to name its conversation
    #[arg(long, env = "SOCKET_FIRST_FRAME", default_value = "5s", value_parser = duration)]
    pub socket_first_frame: Duration,
    /// How often a WebSocket client is pinged; two missed pongs end the connection
    #[arg(long, env = "SOCKET_PING_EVERY", default_value = "20s", value_parser = duration)]
    pub socket_ping_every: Duration,
    /// How long one frame may take to be written before its listener is dropped
    #[arg(long, env = "SOCKET_WRITE_TIMEOUT", default_value = "10s", value_parser = duration)]
    pub socket_write_timeout: Duration,
}

impl Default for QueryConfig {
    fn default() -> Self {
        Self {
            summarize_timeout: Duration::from_secs(30),
            max_sockets: 10_000,
            max_sockets_per_key: 1000,
            max_sockets_per_address: None,
            max_sockets_per_conversation: 10_000,
            socket_frames: 20,
            socket_first_frame: Duration::from_secs(5),
            socket_ping_every: Duration::from_secs(20),
            socket_write_timeout: Duration::from_secs(10),
        }
    }
}
