//! The worker behind the reads: it brings views to where the log is, and summaries to where the views are.
//!
//! - project: `project` takes notices and folds records into views; `reconcile` finds what a lost
//!   notice left behind, and erases what was erased; `erase_users` erases all that a user wrote
//! - summarize: `summarize` decides when, cuts, makes gists, folds and proves what a summary covers;
//!   [`LocalSummarizer`] is the engine that needs no model, [`ModelSummarizer`] asks one; `idle` ends conversations
//!   that fell silent
//! - [`OfflineFold`]: a conversation that stands in no log
//! - [`check()`] and [`rebuild()`]: views and summaries proved against the log; [`dead_letters()`] and [`replay()`]: what
//!   kept failing, and tried again
//!
//! Its one law: everything it writes can be made again from the log, and nothing it is told is believed before
//! the log was asked.

mod build;
mod check;
mod config;
mod dead_letters;
mod erase_users;
mod failures;
mod idle;
mod local;
mod model;
mod offline;
mod project;
mod reconcile;
mod summarize;

pub use build::build;
pub(crate) use build::pause;
pub use check::{CheckReport, Fault, FaultKind, check, rebuild};
pub use config::WorkerConfig;
pub use dead_letters::{MOST_LETTERS, Replayed, dead_letters, replay};
pub use local::LocalSummarizer;
pub use model::{Micros, ModelConfig, ModelConfigError, ModelEngineError, ModelSummarizer, Price};
#[doc(hidden)]
pub use model::{Probed, answered};
pub use offline::OfflineFold;
pub(crate) use shared_service::TaskResult;
pub use summarize::Engines;
