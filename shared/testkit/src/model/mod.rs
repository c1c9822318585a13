//! A language model for tests: what it says, behind a real HTTP endpoint or behind the port, with faults on demand.
//!
//! - `brain`: answers that a good model would give, and those of one that obeys whatever it reads
//! - [`server`]: an OpenAI-compatible endpoint on a free port that plays fault scripts
//! - [`direct`]: the port without a socket, for simulated time

mod brain;
pub mod direct;
pub mod server;

pub use brain::{Brain, Question};
pub use direct::DirectModel;
pub use server::{Fault, ModelServer};
