//! The engine that asks a language model (summarize).
//!
//! Its one law: chat text is data and the model's answer is untrusted; what does not rest on the messages is dropped
//! and counted.
//!
//! Pure, without I/O:
//! - [`prompts`], [`fence`], [`open`], [`schema`]: what is asked; [`veil`]: what of it stays here; [`reply`]: what
//!   comes back, read
//! - [`language`], [`neutral`], [`words`], [`ground`], [`evidence`], [`checked`]: what of it may be shown
//! - [`part`], [`write`]: gists and summaries put together
//! - [`config`]: the settings
//!
//! With clocks, stores and calls:
//! - [`tokens`], [`ledger`]: what it costs; [`limits`], [`breaker`]: what is asked when
//! - [`caller`]: one question until it is answered or given up; [`partial`]: the text so far, for listeners
//! - [`engine`]: the port, [`update`]: a summary written on; [`probe`]: the way of an answer alone, for fuzzers

mod breaker;
mod caller;
mod checked;
mod config;
mod engine;
mod evidence;
mod fence;
mod ground;
mod language;
mod ledger;
mod limits;
mod neutral;
mod open;
mod part;
mod partial;
mod probe;
mod prompts;
mod reply;
mod schema;
mod tokens;
mod update;
mod veil;
mod words;
mod write;

pub use config::{Micros, ModelConfig, ModelConfigError, Price};
pub use engine::{ModelEngineError, ModelSummarizer};
#[doc(hidden)]
pub use probe::{Probed, answered};
