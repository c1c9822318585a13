//! The three services in one process, put together: the only place that knows all of them.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use shared::ports::{ChatModel, Ports};
use shared_adapters::system::give_way;
use shared_adapters::{OpenAiChat, OpenError, SystemClock, SystemIds, open_closing};
use shared_service::{Background, Gate, Process, Readiness, Server, Tasks};
use summarizer_worker::Engines;

use crate::cli::ServeConfig;
use crate::exit::USAGE;
use crate::local_key;

/// Serves until it is told to stop.
pub(crate) async fn run(config: ServeConfig) -> anyhow::Result<ExitCode> {
    let mut process = Process::start(&config.http, &config.log, Arc::new(SystemClock), Arc::new(SystemIds)).await?;
    let opened = process.wait_for(|| open_closing(&config.store), OpenError::is_transient).await;
    let Some((ports, closing)) = opened.context("cannot open the store")? else { return Ok(ExitCode::SUCCESS) };
    let server = process.listen().await?;
    let engines = match engines(&ports, &config) {
        Ok(engines) => engines,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::from(USAGE));
        }
    };
    let behind = Background::start(1, give_way).context("cannot start the threads behind the requests")?;
    let mut routes = build(&ports, engines.clone(), &config, process.tasks(), &behind);
    if process.admin_addr().is_none() {
        routes = routes.merge(process.operators());
    }
    let gate = Gate::new(&config.http, config.ingest.limits.max_body_bytes, &ports);
    say_where(&config, &ports, &server, &engines).await?;
    let readiness = readiness(&ports);
    drop(ports);
    Ok(process.run(readiness, Some((server, gate, routes)), |within| closing.close(within)).await?)
}

/// The model, if the settings name one; else the local engine.
fn engines(ports: &Ports, config: &ServeConfig) -> anyhow::Result<Engines> {
    let chat = config.endpoint.is_set().then(|| OpenAiChat::new(&config.endpoint)).transpose()?;
    Ok(Engines::of(chat.map(|chat| Arc::new(chat) as Arc<dyn ChatModel>), ports, &config.model)?)
}

/// All routes, with the tasks behind them started.
fn build(ports: &Ports, engines: Engines, config: &ServeConfig, tasks: &Tasks, behind: &Background) -> Router {
    // Posting and reading have the right of way: project and summarize take what they leave.
    summarizer_worker::build(ports, engines, &config.worker, &tasks.on(behind.handle()));
    let ingest = ingest_api::build(ports, &config.ingest, tasks);
    ingest
        .merge(query_api::build(ports, &config.query, tasks))
        .merge(dashboard::routes())
        .merge(api_docs::routes(&config.ingest.limits))
}

fn readiness(ports: &Ports) -> Readiness {
    Readiness::new().log(ports).views(ports).bus(ports)
}

/// The lines that a person looks for at start. The one with the address comes last: then all is known.
async fn say_where(config: &ServeConfig, ports: &Ports, server: &Server, engines: &Engines) -> anyhow::Result<()> {
    if let Some(link) = local_key::first_link(ports, server).await? {
        config.log.say(&format!("Open the dashboard (this link holds a key, and is shown only now): {link}"));
    }
    let (origin, store, engine) = (server.origin(), &config.store.store_url, engines.wanted.engine());
    config.log.say(&format!("Recap listening on {origin} with data in {store}, summaries by the engine {engine}"));
    Ok(())
}
