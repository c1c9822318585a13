//! The ground that every hop stands on: domain types, records, ports and pure projections.
//!
//! Its one law: nothing here does I/O, reads a clock or draws a random number.
//!
//! - [`domain`]: ids, sequence numbers, time, records, digests, summaries, callers
//! - [`ports`]: the traits that the engines behind Recap implement, each with its laws
//! - [`projections`]: records folded into read models
//! - [`error_code`]: the one table of error codes and their HTTP status
//! - [`export_line`]: a message as a line of an export
//! - [`config`]: settings that more than one process reads

pub mod config;
pub mod domain;
pub mod error_code;
pub mod export_line;
pub mod ports;
pub mod projections;
