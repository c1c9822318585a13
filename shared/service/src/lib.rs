//! What each Recap process needs around its hop: accept loop, one error body, authentication, limits, metrics, shutdown.
//!
//! Its one law: a handler sees only requests that are admitted, valid and bounded, and whatever it answers
//! leaves in one form.
//!
//! - [`error`]: `ApiError`, the one way to refuse
//! - [`extract`]: what handlers take from a request
//! - [`reply`]: what handlers answer
//! - [`background`]: threads that give way to requests
//! - [`admission`]: what the gate tells the extractors
//! - [`config`]: settings of the HTTP side
//! - [`gate`]: the one layer around all routes
//! - [`server`]: the accept loop, with TLS
//! - [`limits`]: what clients can reach, counted
//! - [`ops`]: health, readiness, metrics
//! - [`mod@metrics`]: the recorder
//! - [`logs`]: log lines
//! - [`command_line`]: settings read whole, complaints said at once
//! - [`process`]: a process from its first line to its last, [`shutdown`] its end
//! - [`mod@health`]: a process asked how it is
//! - [`tasks`]: background work and its end

pub mod admission;
pub mod background;
pub mod command_line;
pub mod config;
pub mod error;
pub mod extract;
pub mod gate;
pub mod health;
pub mod limits;
pub mod logs;
pub mod metrics;
pub mod ops;
pub mod process;
pub mod reply;
pub mod server;
pub mod shutdown;
pub mod tasks;
mod within;

pub use background::Background;
pub use config::{AdminConfig, HttpConfig};
pub use error::{ApiError, ApiResult, FieldError};
pub use extract::{Admin, ConversationPath, JsonBody, Listener, Reader, StrictQuery, UserPath, Writer};
pub use gate::{Gate, GatePorts, GatedRouter};
pub use logs::{LogConfig, LogFormat};
pub use metrics::Metrics;
pub use ops::Readiness;
pub use process::{Process, StartError};
pub use server::{ServeError, Server};
pub use shutdown::{RunError, Running, run_until_stopped};
pub use tasks::{TaskError, TaskResult, Tasks};
