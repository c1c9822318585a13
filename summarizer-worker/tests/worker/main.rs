//! The worker over small stores in memory with faults, in simulated time, and over the embedded adapters.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod check;
mod dead_letters;
mod embedded;
mod faulty_bus;
mod memory;
mod model;
mod oracle;
mod project;
mod random;
mod summarize;
mod world;
