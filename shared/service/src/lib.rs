//! What each Recap process needs around its hop: accept loop, one error body, authentication, limits, metrics, shutdown.
//!
//! Its one law: a handler sees only requests that are admitted, valid and bounded, and whatever it answers
//! leaves in one form.
//!
//! - [`error`]: `ApiError`, the one way to refuse
//! - [`extract`]: what handlers take from a request
//! - [`reply`]: what handlers answer
//! - [`admission`]: what the gate tells the extractors
//! - [`config`](crate::config): settings
//! - [`gate`]: the one layer around all routes
//! - [`tasks`]: background work and its end

pub mod admission;
pub mod config;
pub mod error;
pub mod extract;
pub mod gate;
pub mod reply;
pub mod tasks;

pub use config::HttpConfig;
pub use error::{ApiError, ApiResult, FieldError};
pub use extract::{Admin, ConversationPath, JsonBody, Reader, StrictQuery, UserPath, Writer};
pub use gate::{Gate, GatePorts};
pub use tasks::{TaskError, TaskResult, Tasks};
