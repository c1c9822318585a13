//! What is measured, each a server of its own.
//!
//! Over Recap's own files:
//! - [`posts`]: (a) and (b), append
//! - [`pages`]: (c), query
//! - [`summary`]: (d), summarize and push
//! - [`lag`]: (e), project
//! - [`sockets`]: (f), push
//! - [`start`]: (g), start, memory, catching up
//! - [`growth`]: (h), a, b and c with ten times the data
//! - [`overload`]: (l), five times more than it can do
//! - [`slow`]: (m), clients that take for ever
//!
//! Over MongoDB:
//! - [`bare`]: (a) and (b), against the bare driver
//! - [`commands`]: (i) and (j), what is sent to the database
//! - [`bus`]: (k), while NATS is away
//!
//! Law: a scenario fails rather than show a figure of something else than it says.

mod bare;
mod bus;
mod commands;
mod growth;
mod lag;
mod overload;
mod pages;
mod posts;
mod slow;
mod sockets;
mod start;
mod summary;

use std::time::Duration;

use anyhow::{Context, Result};

use crate::load::Outcome;
use crate::options::{Scenario, Store};
use crate::recap::{Bench, Recap};
use crate::table::{Figure, Report, Row, Unit};

/// What scenarios leave for those after them.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) report: Report,
    /// Requests a second of the null handler with one message each.
    pub(crate) null_rate: Option<f64>,
}

impl Findings {
    fn row(&mut self, row: Row) {
        self.report.rows.push(row);
    }

    fn note(&mut self, note: String) {
        eprintln!("  {note}");
        self.report.notes.push(note);
    }

    /// The most memory that a server took under a load.
    fn peak(&mut self, under: &str, recap: &Recap) -> Result<()> {
        if let Some(memory) = recap.memory()? {
            self.row(Row::plain('g', format!("RSS at most, {under}"), Figure(memory.peak as f64, Unit::Bytes)));
        }
        Ok(())
    }
}

/// Runs one.
pub(crate) async fn run(scenario: Scenario, bench: &Bench, findings: &mut Findings) -> Result<()> {
    eprintln!("{scenario:?}");
    let over_mongodb = bench.options.store == Store::Mongodb;
    let ran = match scenario {
        Scenario::Posts if over_mongodb => bare::one(bench, findings).await,
        Scenario::Bodies if over_mongodb => bare::hundred(bench, findings).await,
        Scenario::Posts => posts::one(bench, findings).await,
        Scenario::Bodies => posts::hundred(bench, findings).await,
        Scenario::Pages => pages::run(bench, findings).await,
        Scenario::Summary => summary::run(bench, findings).await,
        Scenario::Lag => lag::run(bench, findings).await,
        Scenario::Sockets => sockets::run(bench, findings).await,
        Scenario::Start => start::run(bench, findings).await,
        Scenario::Growth => growth::run(bench, findings).await,
        Scenario::Commands => commands::one(bench, findings).await,
        Scenario::Replicas => commands::two(bench, findings).await,
        Scenario::Bus => bus::run(bench, findings).await,
        Scenario::Overload => overload::run(bench, findings).await,
        Scenario::Slow => slow::run(bench, findings).await,
    };
    ran.with_context(|| format!("{scenario:?} could not be measured"))
}

/// Messages a second.
fn messages_per_second(outcome: &Outcome, each: u64) -> f64 {
    outcome.rate() * each as f64
}

/// Processor time between two looks, in microseconds for each message; `None` where it is not known.
fn micros_each(before: Option<Duration>, after: Option<Duration>, messages: u64) -> Option<f64> {
    Some(after?.saturating_sub(before?).as_secs_f64() * 1e6 / messages.max(1) as f64)
}
