//! `recap check`: proves views and summaries against the log, and makes wrong views anew when told to.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use shared_adapters::open_closing;
use summarizer_worker::{check, rebuild};

use crate::cli::CheckConfig;

/// Bringing the files into one piece at the end; longer means a very slow disk, and loses nothing.
const CLOSE: Duration = Duration::from_mins(1);

/// Prints what it found on standard output; fails if something is wrong that was not mended.
pub(crate) async fn run(config: CheckConfig) -> anyhow::Result<ExitCode> {
    let (ports, closing) = open_closing(&config.store).await.context("cannot open the store")?;
    let report = if config.repair { rebuild(&ports).await } else { check(&ports).await };
    drop(ports);
    closing.close(CLOSE).await;
    let report = report.context("the check could not be finished")?;
    for fault in &report.faults {
        println!("{fault}");
    }
    println!("{report}");
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
