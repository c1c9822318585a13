//! The log, views and keys over MongoDB's protocol: the suites of their ports, and what crashes, other replicas and a
//! bad network do.

#![cfg(feature = "mongodb")]
#![expect(clippy::unwrap_used, reason = "a backend that cannot be used fails its test")]

mod access;
mod commands;
mod crashes;
mod network;
mod replicas;
mod stage;
mod suites;
mod time;
mod views;
