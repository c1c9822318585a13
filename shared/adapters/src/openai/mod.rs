//! Models behind OpenAI-compatible endpoints, over async-openai (summarize).
//!
//! Its one law: a call is one try with a limit of time and size; nothing is read from the environment, repeated,
//! or logged behind the caller's back.
//!
//! - [`config`]: the settings
//! - `endpoint`: what async-openai asks about an endpoint
//! - `transport`: one HTTP exchange
//! - `dialect`, `question`: in what form an endpoint takes a question
//! - `answer`, `failure`: what comes back

mod answer;
mod chat;
pub mod config;
mod dialect;
mod endpoint;
mod failure;
mod question;
mod transport;

pub use chat::{ModelError, OpenAiChat};
pub use config::{OpenAiSettings, Secret};
pub use transport::ClientError;
