//! What a post costs without keeping it: the same server, gate and parser, then a fixed answer.
//!
//! Law: it leaves out the queue, the commit, and what follows from them, and nothing else.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing;
use clap::Args;
use http::StatusCode;
use ingest_api::request::PostChatsRequest;
use shared::config::MessageLimits;
use shared::error_code::ErrorCode;
use shared::ports::IdSource;
use shared_adapters::{LocalRateLimiter, StoreConfig, SystemClock, SystemIds};
use shared_service::{
    ApiError, Gate, GatePorts, HttpConfig, JsonBody, LogConfig, Metrics, Server, Tasks, Writer, reply,
    run_until_stopped,
};

/// The settings that Recap has for the same parts.
#[derive(Debug, Clone, Args)]
pub(crate) struct NullConfig {
    #[command(flatten)]
    http: HttpConfig,
    #[command(flatten)]
    log: LogConfig,
}

struct Limits {
    messages: MessageLimits,
    ids: Arc<dyn IdSource>,
}

/// Serves until it is told to stop.
pub(crate) async fn run(config: &NullConfig) -> Result<()> {
    config.log.install()?;
    let tasks = Tasks::new();
    Metrics::install()?.keep_up(&tasks);
    let folder = tempfile::tempdir()?;
    let ids: Arc<dyn IdSource> = Arc::new(SystemIds);
    let ports = GatePorts {
        keys: shared_adapters::open_keys(&StoreConfig::embedded(folder.path())).await?,
        limiter: Arc::new(LocalRateLimiter::new()),
        clock: Arc::new(SystemClock),
        ids: Arc::clone(&ids),
    };
    let messages = MessageLimits::default();
    let gate = Gate::new(&config.http, messages.max_body_bytes, ports);
    let router = Router::new().route("/chats", routing::post(answer)).with_state(Arc::new(Limits { messages, ids }));
    let server = Server::bind(&config.http).await?;
    eprintln!("listening on http://{}", server.local_addr());
    run_until_stopped(vec![(server, gate.around(router))], &tasks, config.http.shutdown_timeout).await?;
    Ok(())
}

async fn answer(State(limits): State<Arc<Limits>>, Writer(_caller): Writer, JsonBody(body): JsonBody) -> Response {
    match PostChatsRequest::parse(&body, &limits.messages, &*limits.ids) {
        Ok(request) if !request.messages.is_empty() => reply::encoded(StatusCode::OK, ANSWER),
        _ => ApiError::new(ErrorCode::InvalidRequest, "the load generator posts valid bodies only").into_response(),
    }
}

/// As long as the answer to a post.
const ANSWER: &[u8] = br#"{"status":"success","inserted_count":1,"conversation_id":"posts-100"}"#;
