//! The process of reading: query and push, the dashboard and the API's documents, over MongoDB and NATS.

mod elsewhere;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use query_api::QueryConfig;
use shared::config::MessageLimits;
use shared_adapters::{OpenError, StoreConfig, SystemClock, SystemIds, open_closing};
use shared_service::{Gate, HttpConfig, LogConfig, Process, Readiness, command_line, health};

/// Serves history, summaries and live updates: everything but what posts, ends, changes and erases.
#[derive(Debug, Parser)]
#[command(name = "query-api", version)]
struct Cli {
    /// Ask the process that runs with these settings on this machine whether it is ready; exit code 0 if it is
    #[arg(long)]
    health: bool,
    #[command(flatten)]
    http: HttpConfig,
    #[command(flatten)]
    store: StoreConfig,
    #[command(flatten)]
    query: QueryConfig,
    /// What ingest-api was told, for the documents of the API.
    #[command(flatten)]
    limits: MessageLimits,
    #[command(flatten)]
    log: LogConfig,
}

fn main() -> ExitCode {
    let defaults = [("listen_addr", "127.0.0.1:8002"), ("admin_addr", "127.0.0.1:9002")];
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
    let routes = query_api::build(&ports, &config.query, process.tasks())
        .merge(elsewhere::routes())
        .merge(dashboard::routes())
        .merge(api_docs::routes(&config.limits))
        .merge(process.operators());
    let gate = Gate::new(&config.http, config.limits.max_body_bytes, &ports);
    // What is stored can be read while the bus is away.
    let readiness = Readiness::new().log(&ports).views(&ports).bus_once(&ports);
    let (origin, store) = (server.origin(), &config.store);
    let (data, updates) = (&store.store_url, &store.bus_url);
    config.log.say(&format!("query-api listening on {origin} with data in {data}, updates by {updates}"));
    drop(ports);
    Ok(process.run(readiness, Some((server, gate, routes)), |within| closing.close(within)).await?)
}
