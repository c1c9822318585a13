//! Settings of a process that serves operators only.

use std::time::Duration;

use clap::Args;

use super::http::limit;
use super::{HttpConfig, ListenAddr};

/// Where a process without an API answers operators, and how long it may take to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct AdminConfig {
    /// Metrics and health; port 0 takes a free one
    #[arg(long, env = "ADMIN_ADDR", default_value = "127.0.0.1:9003")]
    pub admin_addr: ListenAddr,
    /// How long a stop may take in all
    #[arg(long, env = "SHUTDOWN_TIMEOUT", default_value = "10s", value_parser = limit)]
    pub shutdown_timeout: Duration,
}

impl From<AdminConfig> for HttpConfig {
    fn from(config: AdminConfig) -> Self {
        Self { admin_addr: Some(config.admin_addr), shutdown_timeout: config.shutdown_timeout, ..Self::default() }
    }
}
