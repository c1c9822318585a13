//! The process of the worker: project and summarize, over MongoDB and NATS.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use shared::ports::ChatModel;
use shared_adapters::{OpenAiChat, OpenAiSettings, OpenError, StoreConfig, SystemClock, SystemIds, open_closing};
use shared_service::{AdminConfig, HttpConfig, LogConfig, Process, Readiness, command_line, health};
use summarizer_worker::{Engines, ModelConfig, WorkerConfig};

/// Brings views to where the log is, and summaries to where the views are. Answers nobody but operators.
#[derive(Debug, Parser)]
#[command(name = "summarizer-worker", version)]
struct Cli {
    /// Ask the process that runs with these settings on this machine whether it is ready; exit code 0 if it is
    #[arg(long)]
    health: bool,
    #[command(flatten)]
    admin: AdminConfig,
    #[command(flatten)]
    store: StoreConfig,
    #[command(flatten)]
    worker: WorkerConfig,
    #[command(flatten)]
    endpoint: OpenAiSettings,
    #[command(flatten)]
    model: ModelConfig,
    #[command(flatten)]
    log: LogConfig,
}

fn main() -> ExitCode {
    command_line::main(StoreConfig::of_services, run)
}

async fn run(config: Cli) -> anyhow::Result<ExitCode> {
    let http = HttpConfig::from(config.admin);
    if config.health {
        health::ask(&http)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut process = Process::start(&http, &config.log, Arc::new(SystemClock), Arc::new(SystemIds)).await?;
    let opened = process.wait_for(|| open_closing(&config.store), OpenError::is_transient).await;
    let Some((ports, closing)) = opened.context("cannot open the store")? else { return Ok(ExitCode::SUCCESS) };
    let chat = config.endpoint.is_set().then(|| OpenAiChat::new(&config.endpoint)).transpose()?;
    let engines = Engines::of(chat.map(|chat| Arc::new(chat) as Arc<dyn ChatModel>), &ports, &config.model)?;
    let engine = engines.wanted.engine();
    summarizer_worker::build(&ports, engines, &config.worker, process.tasks());
    let readiness = Readiness::new().log(&ports).views(&ports).bus(&ports);
    let (data, notices) = (&config.store.store_url, &config.store.bus_url);
    config.log.say(&format!("working on data in {data}, notices by {notices}, summaries by the engine {engine}"));
    drop(ports);
    Ok(process.run(readiness, None, |within| closing.close(within)).await?)
}
