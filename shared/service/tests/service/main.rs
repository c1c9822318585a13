//! The service crate as clients see it: over real sockets, byte by byte.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod app;
mod bad_input;
mod browsers;
mod client;
mod connections;
mod errors;
mod keys;
mod limits;
mod operators;
mod panics;
mod stopping;
mod tls;
