//! The worker's own settings, beside the policy that says when summaries are made.

use std::time::Duration;

use clap::Args;
use shared::config::{SummaryPolicy, duration};

/// Settings of project, reconcile and summarize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct WorkerConfig {
    /// When summaries are made
    #[command(flatten)]
    pub policy: SummaryPolicy,
    /// How many projections run at the same time
    #[arg(long, env = "PROJECT_PARALLELISM", default_value_t = 1, value_parser = small())]
    pub project_parallelism: u64,
    /// How many conversation views the projector keeps in memory
    #[arg(long, env = "PROJECT_CACHE", default_value_t = 2048)]
    pub project_cache: usize,
    /// How often lost notices and pending erasures are looked for
    #[arg(long, env = "RECONCILE_INTERVAL", default_value = "2s", value_parser = duration)]
    pub reconcile_interval: Duration,
    /// How many unasked summaries are made at the same time
    #[arg(long, env = "SUMMARIZE_PARALLELISM", default_value_t = 1, value_parser = small())]
    pub summarize_parallelism: u64,
    /// How many summaries that somebody waits for are made at the same time
    #[arg(long, env = "SUMMARIZE_ASKS", default_value_t = 2, value_parser = small())]
    pub summarize_asks: u64,
    /// How many conversations wait in memory for their next summary; the sweep finds what does not fit
    #[arg(long, env = "SUMMARY_SCHEDULE", default_value_t = 10_000)]
    pub summary_schedule: usize,
    /// How often conversations that no summary covers are looked for
    #[arg(long, env = "SUMMARY_SWEEP_INTERVAL", default_value = "30s", value_parser = duration)]
    pub summary_sweep_interval: Duration,
    /// How long a worker holds a conversation without a sign of life while it writes a summary
    #[arg(long, env = "SUMMARY_LEASE", default_value = "30s", value_parser = duration)]
    pub summary_lease: Duration,
    /// After so many failures in a row a conversation becomes a dead letter
    #[arg(long, env = "PROJECT_ATTEMPTS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub project_attempts: u32,
}

fn small() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=64)
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            policy: SummaryPolicy::default(),
            project_parallelism: 1,
            project_cache: 2048,
            reconcile_interval: Duration::from_secs(2),
            summarize_parallelism: 1,
            summarize_asks: 2,
            summary_schedule: 10_000,
            summary_sweep_interval: Duration::from_secs(30),
            summary_lease: Duration::from_secs(30),
            project_attempts: 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        worker: WorkerConfig,
    }

    #[test]
    fn the_flags_default_to_what_the_struct_defaults_to() {
        assert_eq!(Cli::parse_from(["recap"]).worker, WorkerConfig::default());
    }

    #[test]
    fn no_lane_is_refused() {
        assert!(Cli::try_parse_from(["recap", "--summarize-parallelism", "0"]).is_err());
    }
}
