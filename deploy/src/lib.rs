//! What is deployed, as child processes on free ports: gateway, three services, database, bus, cache.
//!
//! Its one law: the files and binaries under test are the deployed ones; only ports and folders are others.
//!
//! - [`binaries`]: where the binaries are
//! - [`replica`]: one process of a service, which can be killed and started again
//! - [`gateway`]: nginx with the deployed file
//! - [`stack`]: all of it together
//! - [`wiretap`]: a wire on which certain bytes never arrive
//! - [`load`]: clients that post, and keep book of what they were told

pub mod binaries;
pub mod gateway;
pub mod load;
pub mod replica;
pub mod stack;
pub mod wiretap;

use std::path::{Path, PathBuf};

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
