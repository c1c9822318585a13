//! The three services in one process, put together: the only place that knows all of them.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use shared::ports::Ports;
use shared_adapters::system::give_way;
use shared_adapters::{OpenAiChat, open_closing};
use shared_service::{Background, Gate, GatedRouter, Metrics, Readiness, Server, Tasks, ops, run_until_stopped};
use summarizer_worker::{Engines, LocalSummarizer, ModelSummarizer};

use crate::cli::ServeConfig;
use crate::local_key;

/// What is left for the files after requests and tasks have ended.
const CLOSE: Duration = Duration::from_secs(2);

/// Serves until it is told to stop.
pub(crate) async fn run(mut config: ServeConfig) -> anyhow::Result<ExitCode> {
    config.log.install()?;
    config.query.summary_renew |= config.endpoint.is_set();
    let metrics = Metrics::install()?;
    let (ports, closing) = open_closing(&config.store).await.context("cannot open the store")?;
    let server = Server::bind(&config.http).await?;
    let admin = Server::bind_admin(&config.http).await?;
    let tasks = Tasks::new();
    metrics.keep_up(&tasks);
    let engines = match engines(&ports, &config) {
        Ok(engines) => engines,
        Err(error) => {
            eprintln!("error: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let behind = Background::start(1, give_way).context("cannot start the threads behind the requests")?;
    let hops = build(&ports, engines.clone(), &config, &tasks, &behind);
    let gate = Gate::new(&config.http, config.ingest.limits.max_body_bytes, &ports);
    say_where(&config, &ports, &server, admin.as_ref(), &engines).await?;

    let operators = ops::routes(readiness(&ports), metrics);
    let servers: Vec<(Server, GatedRouter)> = match admin {
        Some(admin) => vec![(server, gate.around(hops)), (admin, gate.around(operators))],
        None => vec![(server, gate.around(hops.merge(operators)))],
    };
    let ended = run_until_stopped(servers, &tasks, config.http.shutdown_timeout.saturating_sub(CLOSE)).await;
    drop(ports);
    if !closing.close(CLOSE).await {
        tracing::warn!("the store was not closed in time; the next start has a little more to do");
    }
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// The model, if the settings name one; else the local engine.
fn engines(ports: &Ports, config: &ServeConfig) -> anyhow::Result<Engines> {
    if !config.endpoint.is_set() {
        return Ok(Arc::new(LocalSummarizer).into());
    }
    let chat = OpenAiChat::new(&config.endpoint)?;
    let model = ModelSummarizer::new(Arc::new(chat), ports, &config.model)?;
    Ok(Engines::model(model, &config.model))
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
    let (log, views, bus) = (Arc::clone(&ports.log), Arc::clone(&ports.views), Arc::clone(&ports.bus));
    Readiness::new()
        .check("log", move || {
            let log = Arc::clone(&log);
            async move { log.ping().await }
        })
        .check("views", move || {
            let views = Arc::clone(&views);
            async move { views.ping().await }
        })
        .check("bus", move || {
            let bus = Arc::clone(&bus);
            async move { bus.ping().await }
        })
}

/// The lines that a person looks for at start. The one with the address comes last: then all is known.
async fn say_where(
    config: &ServeConfig,
    ports: &Ports,
    server: &Server,
    admin: Option<&Server>,
    engines: &Engines,
) -> anyhow::Result<()> {
    let address = server.local_addr();
    if let Some(link) = local_key::first_link(ports, address).await? {
        config.log.say(&format!("open the dashboard with a key of this machine, shown only now: {link}"));
    }
    if let Some(admin) = admin {
        config.log.say(&format!("metrics and health on http://{}", admin.local_addr()));
    }
    let (store, engine) = (&config.store.store_url, engines.wanted.engine());
    config
        .log
        .say(&format!("Recap listening on http://{address} with data in {store}, summaries by the engine {engine}"));
    Ok(())
}
