//! Settings of every process that serves HTTP: each a flag and an environment variable of the same words.

mod admin;
mod http;
mod listen_addr;
mod lists;
mod tls;

pub use admin::AdminConfig;
pub use http::{Anonymous, HttpConfig};
pub use listen_addr::ListenAddr;
pub use lists::{Networks, Origin, Origins};
pub use tls::TlsConfig;
