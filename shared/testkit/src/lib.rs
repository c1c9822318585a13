//! Conformance suites, servers as child processes and typed clients, for tests only.
//!
//! Its one law: nothing here looks inside a server; all goes through ports, sockets and signals.
//!
//! - [`bytes`]: files searched for what must not be in them
//! - [`conformance`]: one suite for each port, run against each adapter
//! - [`faulty_bus`]: a bus that loses, doubles, delays and reorders
//! - [`mongo_proxy`]: a proxy that speaks MongoDB's protocol, and can be told to fail; a door with TLS and a password
//! - [`process`]: a built binary as a child process that can be stopped and killed
//! - [`certificate`]: a certificate of a test's own
//! - [`client`]: the HTTP interface as typed calls
//! - [`socket`]: the WebSocket interface as typed frames
//! - [`raw_socket`]: a WebSocket below every library
//! - [`scenarios`]: what users do, through the real interface
//! - [`ledger`]: what was acknowledged, and the check that it is all there, once
//! - [`memory_audit`]: the audit record and erasures of users in memory
//! - [`model`]: a language model behind a real endpoint, with faults on demand
//! - [`wait`]: waiting for a condition, with a limit
//! - [`transcript`]: synthetic conversations

pub mod bytes;
pub mod certificate;
pub mod client;
pub mod conformance;
pub mod faulty_bus;
pub mod ledger;
pub mod memory_audit;
pub mod model;
pub mod mongo_proxy;
pub mod process;
pub mod raw_socket;
pub mod scenarios;
pub mod socket;
pub mod transcript;
pub mod wait;
