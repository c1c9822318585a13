//! The routes of ingest over the embedded store, with a log that can be held, failed and watched.

#![expect(clippy::unwrap_used, reason = "fixed inputs; a test that panics has failed")]

mod append;
mod bad_input;
mod end;
mod erase;
mod lanes;
mod quotas;
mod service;
mod steered_log;
