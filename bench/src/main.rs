//! Load generator for Recap: starts the server itself and prints what it reaches on this machine, ratios first.
//!
//! Its one law: every figure is of this run, and shown with its target, reached or not.
//!
//! - [`options`]: the command line
//! - [`recap`]: the server under load, as a child process; [`cluster`]: the services over a database
//! - [`null_server`]: what posts are compared with
//! - [`load`]: connections that send and wait
//! - [`scenario`]: what is measured
//! - [`footprint`], [`machine`]: what it costs, and where
//! - [`table`]: what comes out

mod cluster;
mod footprint;
mod load;
mod machine;
mod null_server;
mod options;
mod recap;
mod scenario;
mod table;

use anyhow::{Result, bail};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use footprint::Usage;
use options::{Cli, Command, Options};
use recap::Bench;
use scenario::Findings;

fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.command {
        // As many threads as Recap has.
        Some(Command::NullServer(config)) => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(null_server::run(&config))
        }
        // Load has threads of its own.
        None => tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(cli.options)),
    }
}

async fn run(options: Options) -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    // Leaving here ends every server that was started.
    tokio::select! {
        ended = measure(options) => ended,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminated.recv() => bail!("terminated"),
    }
}

async fn measure(options: Options) -> Result<()> {
    let bench = Bench::new(options)?;
    let mut findings = Findings::default();
    findings.report.machine = machine::describe(&bench.folder)?;
    let before = Usage::now();
    let mut ended = Ok(());
    for scenario in bench.options.chosen()? {
        ended = scenario::run(scenario, &bench, &mut findings).await;
        if ended.is_err() {
            break;
        }
    }
    if let (Some(before), Some(now)) = (before, Usage::now()) {
        let others = now.others_since(before) * 100.0;
        findings
            .report
            .machine
            .push(format!("others and the kernel's own threads used {others:.0}% of all cores meanwhile"));
    }
    println!("{}", findings.report);
    ended
}
