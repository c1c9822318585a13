//! Settings that more than one process reads: each a flag and an environment variable of the same words.

pub mod message_limits;
pub mod summary_policy;

pub use message_limits::MessageLimits;
pub use summary_policy::{SummaryPolicy, duration};
