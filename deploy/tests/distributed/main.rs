//! The distributed mode through its gateway: the scenarios that one process passes, several replicas of each service,
//! every kind of failure, and the end of all: nothing acknowledged is lost, doubled or out of order.
//!
//! `FAULT_ROUNDS` sets how often each fault is repeated, `NATS_AWAY_SECONDS` how long the bus is away at least.

mod access;
mod clocks;
mod commands;
mod database;
mod faults;
mod gateway;
mod hostile;
mod lifecycle;
mod limits;
mod model;
mod order;
mod replicas;
mod scenarios;
mod tls;
mod transcript;
mod users;
mod watched;

/// Starts a stack, or ends the test with success where a server is not installed (which has been said).
#[macro_export]
macro_rules! stack {
    ($plan:expr) => {
        match deploy::stack::Stack::start(&$plan).await? {
            Some(stack) => stack,
            None => return Ok(()),
        }
    };
}
