//! Log lines on standard error. Law: no chat text, keys or ids of text; what a panic says may hold them, so only
//! fixed panic texts are written.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::panic::PanicHookInfo;

use clap::{Args, ValueEnum};
use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::util::TryInitError;
use tracing_subscriber::{fmt, prelude::*};

/// Parts that tell of each attempt to connect, of which the adapters tell every few seconds. A level given by name
/// comes later and counts.
const QUIET: &str = "async_nats=error";

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// How a process logs.
#[derive(Debug, Clone, Args)]
pub struct LogConfig {
    /// The form of log lines; pretty on a terminal, else json
    #[arg(long, env = "LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
    /// What is logged: error, warn, info, debug, trace; also by part, as in `info,shared_service=debug`
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    pub log_level: String,
}

/// Logging could not be set up.
#[derive(Debug, Error)]
pub enum LogError {
    /// The level is none.
    #[error("LOG_LEVEL must be error, warn, info, debug or trace")]
    Level(#[from] ParseError),
    /// The process logs already.
    #[error("logging is set up already")]
    Installed(#[from] TryInitError),
}

impl LogConfig {
    /// The form that is used.
    #[must_use]
    pub fn format(&self) -> LogFormat {
        let default = if stderr().is_terminal() { LogFormat::Pretty } else { LogFormat::Json };
        self.log_format.unwrap_or(default)
    }

    /// Starts logging for the whole process.
    pub fn install(&self) -> Result<(), LogError> {
        // That crate logs what it cannot read, which may hold what a model wrote.
        let filter = EnvFilter::builder().parse(format!("{QUIET},{}", self.log_level))?;
        let filter = filter.add_directive("async_openai=off".parse()?);
        let lines = fmt::layer().with_writer(stderr);
        let registry = tracing_subscriber::registry().with(filter);
        match self.format() {
            LogFormat::Pretty => registry.with(lines.with_ansi(stderr().is_terminal())).try_init()?,
            LogFormat::Json => registry.with(lines.json().flatten_event(true).with_span_list(false)).try_init()?,
        }
        std::panic::set_hook(Box::new(log_panic));
        Ok(())
    }

    /// Writes a line that is there at every level, such as the one that says where a server listens.
    pub fn say(&self, text: &str) {
        let line = match self.format() {
            LogFormat::Pretty => format!("{text}\n"),
            LogFormat::Json => format!("{}\n", serde_json::json!({ "level": "INFO", "message": text })),
        };
        // With standard error closed there is nobody to tell.
        let _ = stderr().lock().write_all(line.as_bytes());
    }

    /// Says `listening on http://ADDRESS`.
    pub fn say_listening(&self, addr: std::net::SocketAddr) {
        self.say(&format!("listening on http://{addr}"));
    }
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let text = info.payload().downcast_ref::<&'static str>().copied().unwrap_or("(text left out)");
    let place = info.location().map(ToString::to_string);
    tracing::error!(place, "panic: {text}");
}
