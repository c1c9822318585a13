//! Where the store and the bus are. Laws: a URL is read once, into a value that can only be right; what it says of
//! users and passwords is never shown.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, Command};
use thiserror::Error;

#[cfg(feature = "mongodb")]
use crate::mongo::MongoUrl;
#[cfg(feature = "nats")]
use crate::nats::{NatsConfig, NatsUrl};
#[cfg(feature = "redis")]
use crate::redis::RedisUrl;

/// Which engines stand behind the ports.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StoreConfig {
    /// Where messages and summaries are kept: `embedded:<folder>`, or `mongodb://host:27017/database`
    #[arg(long, env = "STORE_URL", hide_env_values = true, default_value = "embedded:./data")]
    pub store_url: StoreUrl,
    /// What carries notices between the services: `embedded:` (within this process), or `nats://host:4222`
    #[arg(long, env = "BUS_URL", hide_env_values = true, default_value = "embedded:")]
    pub bus_url: BusUrl,
    /// Where replicas count request limits together: `redis://host:6379`
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<CacheUrl>,
    /// How NATS is used.
    #[cfg(feature = "nats")]
    #[command(flatten)]
    pub nats: NatsConfig,
}

impl StoreConfig {
    /// The embedded engines over a folder.
    #[must_use]
    pub fn embedded(folder: impl Into<PathBuf>) -> Self {
        Self {
            store_url: StoreUrl::Embedded(folder.into()),
            bus_url: BusUrl::Embedded,
            redis_url: None,
            #[cfg(feature = "nats")]
            nats: NatsConfig::default(),
        }
    }

    /// The same settings for a process that shares its engines with others: those of one process are refused, and
    /// the defaults are servers on this machine.
    #[must_use]
    pub fn of_services(command: Command) -> Command {
        command
            .mut_arg("store_url", |arg| {
                arg.default_value("mongodb://127.0.0.1:27017/recap")
                    .value_parser(shared_store)
                    .help("Where messages and summaries are kept: `mongodb://host:27017/database`")
            })
            .mut_arg("bus_url", |arg| {
                arg.default_value("nats://127.0.0.1:4222")
                    .value_parser(shared_bus)
                    .help("What carries notices between the services: `nats://host:4222`")
            })
    }
}

/// A store that this build can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// Files in this folder.
    Embedded(PathBuf),
    /// A server that speaks MongoDB's protocol.
    #[cfg(feature = "mongodb")]
    MongoDb(MongoUrl),
}

impl StoreUrl {
    /// The folder of an embedded store.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Embedded(folder) => Some(folder),
            #[cfg(feature = "mongodb")]
            Self::MongoDb(_) => None,
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(folder) => folder.display().fmt(f),
            #[cfg(feature = "mongodb")]
            Self::MongoDb(url) => url.fmt(f),
        }
    }
}

/// A bus that this build can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BusUrl {
    /// Queues within the process.
    Embedded,
    /// NATS with JetStream.
    #[cfg(feature = "nats")]
    Nats(NatsUrl),
}

impl fmt::Display for BusUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("this process"),
            #[cfg(feature = "nats")]
            Self::Nats(url) => url.fmt(f),
        }
    }
}

/// A URL that cannot be used. Says nothing of the URL itself, as that may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlError {
    /// A store's URL.
    #[error("must be embedded:<folder>, such as embedded:./data, or mongodb://host:27017/database")]
    Store,
    /// A bus's URL.
    #[error("must be embedded: or nats://host:4222")]
    Bus,
    /// A URL of Redis.
    #[error("must be redis://host:6379 or rediss://host:6379")]
    Redis,
    /// What is wrong with it, as its engine says.
    #[error("{0}")]
    Engine(String),
    /// An engine that was not built in.
    #[error("this binary was built without {engine}: build it with `--features distributed`")]
    Missing {
        /// Which engine.
        engine: &'static str,
    },
    /// An embedded store for a process that shares it with others.
    #[error("must be mongodb://host:27017/database: an embedded store is for one process, which is `recap`")]
    StoreOfOneProcess,
    /// An embedded bus for a process that talks to others.
    #[error("must be nats://host:4222: an embedded bus is for one process, which is `recap`")]
    BusOfOneProcess,
}

fn has_scheme(text: &str, schemes: &[&str]) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty())
}

impl FromStr for StoreUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if let Some(folder) = text.strip_prefix("embedded:").filter(|folder| !folder.is_empty()) {
            return Ok(Self::Embedded(PathBuf::from(folder)));
        }
        if !has_scheme(text, &["mongodb", "mongodb+srv"]) {
            return Err(UrlError::Store);
        }
        #[cfg(feature = "mongodb")]
        return text.parse().map(Self::MongoDb).map_err(engine);
        #[cfg(not(feature = "mongodb"))]
        Err(UrlError::Missing { engine: "MongoDB" })
    }
}

impl FromStr for BusUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text == "embedded:" {
            return Ok(Self::Embedded);
        }
        if !has_scheme(text, &["nats", "tls"]) {
            return Err(UrlError::Bus);
        }
        #[cfg(feature = "nats")]
        return text.parse().map(Self::Nats).map_err(engine);
        #[cfg(not(feature = "nats"))]
        Err(UrlError::Missing { engine: "NATS" })
    }
}

#[cfg(any(feature = "mongodb", feature = "nats", feature = "redis"))]
fn engine(error: impl fmt::Display) -> UrlError {
    UrlError::Engine(error.to_string())
}

fn shared_store(text: &str) -> Result<StoreUrl, UrlError> {
    match text.parse()? {
        StoreUrl::Embedded(_) => Err(UrlError::StoreOfOneProcess),
        #[cfg(feature = "mongodb")]
        shared @ StoreUrl::MongoDb(_) => Ok(shared),
    }
}

fn shared_bus(text: &str) -> Result<BusUrl, UrlError> {
    match text.parse()? {
        BusUrl::Embedded => Err(UrlError::BusOfOneProcess),
        #[cfg(feature = "nats")]
        shared @ BusUrl::Nats(_) => Ok(shared),
    }
}

/// A cache that this build can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheUrl {
    /// Redis.
    #[cfg(feature = "redis")]
    Redis(RedisUrl),
}

impl FromStr for CacheUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if !has_scheme(text, &["redis", "rediss"]) {
            return Err(UrlError::Redis);
        }
        #[cfg(feature = "redis")]
        return text.parse().map(Self::Redis).map_err(engine);
        #[cfg(not(feature = "redis"))]
        Err(UrlError::Missing { engine: "Redis" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_embedded_urls_and_refuses_others() {
        assert_eq!("embedded:./data".parse(), Ok(StoreUrl::Embedded("./data".into())));
        assert_eq!("embedded:".parse(), Ok(BusUrl::Embedded));
        for wrong in ["", "embedded:", "mongodb:", "mongodb://", "postgres://localhost", "./data"] {
            assert_eq!(wrong.parse::<StoreUrl>(), Err(UrlError::Store), "{wrong}");
        }
        for wrong in ["", "embedded", "embedded:x", "nats:", "kafka://localhost"] {
            assert_eq!(wrong.parse::<BusUrl>(), Err(UrlError::Bus), "{wrong}");
        }
        for wrong in ["", "redis:", "localhost:6379", "http://localhost"] {
            assert_eq!(wrong.parse::<CacheUrl>(), Err(UrlError::Redis), "{wrong}");
        }
    }

    #[test]
    fn an_engine_that_is_not_built_in_is_said_so() {
        let missing = |engine| UrlError::Missing { engine };
        let store = "mongodb://localhost/recap".parse::<StoreUrl>().err();
        assert_eq!(store, (!cfg!(feature = "mongodb")).then(|| missing("MongoDB")));
        let bus = "nats://localhost".parse::<BusUrl>().err();
        assert_eq!(bus, (!cfg!(feature = "nats")).then(|| missing("NATS")));
        let redis = "redis://localhost".parse::<CacheUrl>().err();
        assert_eq!(redis, (!cfg!(feature = "redis")).then(|| missing("Redis")));
    }

    #[test]
    fn services_of_their_own_need_engines_that_are_shared() {
        assert_eq!(shared_store("embedded:./data"), Err(UrlError::StoreOfOneProcess));
        assert_eq!(shared_bus("embedded:"), Err(UrlError::BusOfOneProcess));
        assert_eq!(shared_store("./data"), Err(UrlError::Store));
        assert_eq!(shared_store("mongodb://localhost/recap").is_ok(), cfg!(feature = "mongodb"));
        assert_eq!(shared_bus("nats://localhost").is_ok(), cfg!(feature = "nats"));
    }
}
