//! The real and embedded adapters behind Recap's ports: the only package that names a driver.
//!
//! Its one law: an adapter keeps the laws of its port, and whoever uses it cannot tell which one it is.
//!
//! - [`config`]: where the store and the bus are
//! - [`open`](mod@open): a configuration turned into [`shared::ports::Ports`]
//! - `redis` (feature of that name): limits and newest summaries shared by several processes
//! - [`sqlite`]: the embedded log, views and keys
//! - `mongo`: the log, views and keys over MongoDB (feature `mongodb`)
//! - [`channel_bus`]: the bus within one process
//! - `nats` (feature of that name): the bus between processes
//! - [`openai`]: language models
//! - [`rate_limiter`]: limits counted within one process
//! - `time_order`: two sorted runs of messages made one
//! - [`system`]: the machine's clock and random numbers

pub mod channel_bus;
pub mod config;
#[cfg(feature = "mongodb")]
pub mod mongo;
#[cfg(feature = "nats")]
pub mod nats;
pub mod open;
pub mod openai;
pub mod rate_limiter;
#[cfg(feature = "redis")]
pub mod redis;
pub mod sqlite;
pub mod system;
mod time_order;

pub use channel_bus::ChannelEventBus;
pub use config::StoreConfig;
#[cfg(feature = "mongodb")]
pub use mongo::{
    MongoAuditStore, MongoConfig, MongoKeyStore, MongoMessageLog, MongoStore, MongoUrl, MongoUrlError, MongoViewStore,
};
#[cfg(feature = "nats")]
pub use nats::{NatsConfig, NatsConnectError, NatsEventBus, NatsUrl};
pub use open::{Closing, OpenError, open, open_audit, open_closing, open_keys};
pub use openai::{OpenAiChat, OpenAiSettings};
pub use rate_limiter::LocalRateLimiter;
#[cfg(feature = "redis")]
pub use redis::{CachedViewStore, RedisLink, RedisRateLimiter, RedisUrl};
pub use sqlite::{FileVersion, SqliteAuditStore, SqliteKeyStore, SqliteMessageLog, SqliteViewStore, file_versions};
pub use system::{SystemClock, SystemIds};
