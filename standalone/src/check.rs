//! `recap check`: proves views and summaries against the log, and makes wrong views anew when told to.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use shared_adapters::open_closing;
use summarizer_worker::{CheckReport, Fault, check, rebuild};

use crate::cli::CheckConfig;
use crate::terminal::tame;

/// Bringing the files into one piece at the end; longer means a very slow disk, and loses nothing.
const CLOSE: Duration = Duration::from_mins(1);

/// Prints what it found on standard output; fails if something is wrong that was not mended.
pub(crate) async fn run(config: CheckConfig) -> anyhow::Result<ExitCode> {
    // An empty store would pass: all is well where nothing is.
    if let Some(folder) = config.store.store_url.folder().filter(|folder| !folder.join("log.db").exists()) {
        anyhow::bail!("there is no data in {}: set STORE_URL to the store that is to be checked", folder.display());
    }
    let (ports, closing) = open_closing(&config.store).await.context("cannot open the store")?;
    let report = if config.repair { rebuild(&ports).await } else { check(&ports).await };
    drop(ports);
    closing.close(CLOSE).await;
    let report = report.context("the check could not be finished")?;
    if config.json {
        println!("{}", serde_json::to_string(&Told::of(&report))?);
    } else {
        for fault in &report.faults {
            println!("{}", tame(&fault.to_string()));
        }
        println!("{report}");
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The report for programs: one object, whose fields docs/cli.md promises.
#[derive(Serialize)]
struct Told<'a> {
    clean: bool,
    conversations: u64,
    records: u64,
    messages: u64,
    summaries: u64,
    behind: u64,
    repaired: u64,
    mended: u64,
    /// All of them; `faults` holds the first thousand.
    faulty: u64,
    faults: Vec<ToldFault<'a>>,
}

#[derive(Serialize)]
struct ToldFault<'a> {
    tenant: &'a str,
    conversation_id: &'a str,
    kind: String,
    detail: &'a str,
    mended: bool,
}

impl<'a> Told<'a> {
    fn of(report: &'a CheckReport) -> Self {
        let CheckReport { conversations, records, messages, summaries, behind, faulty, mended, repaired, .. } = *report;
        let faults = report.faults.iter().map(ToldFault::of).collect();
        let clean = report.is_clean();
        Self { clean, conversations, records, messages, summaries, behind, repaired, mended, faulty, faults }
    }
}

impl<'a> ToldFault<'a> {
    fn of(fault: &'a Fault) -> Self {
        let (tenant, conversation_id) = (fault.key.tenant.as_str(), fault.key.conversation.as_str());
        Self { tenant, conversation_id, kind: fault.kind.to_string(), detail: &fault.detail, mended: fault.mended }
    }
}
