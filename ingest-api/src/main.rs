//! The process of ingest: append and publish, over MongoDB and NATS.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use ingest_api::IngestConfig;
use shared_adapters::{OpenError, StoreConfig, SystemClock, SystemIds, open_closing};
use shared_service::{Gate, HttpConfig, LogConfig, Process, Readiness, command_line, health};

/// Takes chat messages in and makes them durable, changes and erases them.
#[derive(Debug, Parser)]
#[command(name = "ingest-api", version)]
struct Cli {
    /// Ask the process that runs with these settings on this machine whether it is ready; exit code 0 if it is
    #[arg(long)]
    health: bool,
    #[command(flatten)]
    http: HttpConfig,
    #[command(flatten)]
    store: StoreConfig,
    #[command(flatten)]
    ingest: IngestConfig,
    #[command(flatten)]
    log: LogConfig,
}

fn main() -> ExitCode {
    let defaults = [("listen_addr", "127.0.0.1:8001"), ("admin_addr", "127.0.0.1:9001")];
    command_line::main(|command| StoreConfig::of_services(command_line::defaults(command, &defaults)), run)
}

async fn run(config: Cli) -> anyhow::Result<ExitCode> {
    if config.health {
        health::ask(&config.http)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut process = Process::start(&config.http, &config.log, Arc::new(SystemClock), Arc::new(SystemIds)).await?;
    let opened = process.wait_for(|| open_closing(&config.store), OpenError::is_transient).await;
    let Some((ports, closing)) = opened.context("cannot open the store")? else { return Ok(ExitCode::SUCCESS) };
    let server = process.listen().await?;
    let routes = ingest_api::build(&ports, &config.ingest, process.tasks()).merge(process.operators());
    let gate = Gate::new(&config.http, config.ingest.limits.max_body_bytes, &ports);
    // Posts are taken while the bus is away: the reconciler finds what it was not told of.
    let readiness = Readiness::new().log(&ports).bus_once(&ports);
    let (origin, store) = (server.origin(), &config.store);
    let (data, notices) = (&store.store_url, &store.bus_url);
    config.log.say(&format!("ingest-api listening on {origin} with data in {data}, notices by {notices}"));
    drop(ports);
    Ok(process.run(readiness, Some((server, gate, routes)), |within| closing.close(within)).await?)
}
