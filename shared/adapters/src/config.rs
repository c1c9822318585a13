//! Where the store and the bus are. Law: a URL is read once, into a value that can only be right.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use thiserror::Error;

/// Which engines stand behind the ports.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StoreConfig {
    /// Where messages and summaries are kept: `embedded:<folder>`
    #[arg(long, env = "STORE_URL", default_value = "embedded:./data")]
    pub store_url: StoreUrl,
    /// What carries notices between the services: `embedded:` (within this process)
    #[arg(long, env = "BUS_URL", default_value = "embedded:")]
    pub bus_url: BusUrl,
}

impl StoreConfig {
    /// The embedded engines over a folder.
    #[must_use]
    pub fn embedded(folder: impl Into<PathBuf>) -> Self {
        Self { store_url: StoreUrl::Embedded(folder.into()), bus_url: BusUrl::Embedded }
    }
}

/// A store that this build can open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// Files in this folder.
    Embedded(PathBuf),
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(folder) => folder.display().fmt(f),
        }
    }
}

/// A bus that this build can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusUrl {
    /// Queues within the process.
    Embedded,
}

/// A URL of no known store or bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UrlError {
    /// A store's URL.
    #[error("must be embedded:<folder>, such as embedded:./data")]
    Store,
    /// A bus's URL.
    #[error("must be embedded:")]
    Bus,
}

impl std::str::FromStr for StoreUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        match text.strip_prefix("embedded:") {
            None | Some("") => Err(UrlError::Store),
            Some(folder) => Ok(Self::Embedded(PathBuf::from(folder))),
        }
    }
}

impl std::str::FromStr for BusUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text == "embedded:" { Ok(Self::Embedded) } else { Err(UrlError::Bus) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_embedded_urls_and_refuses_others() {
        assert_eq!("embedded:./data".parse(), Ok(StoreUrl::Embedded("./data".into())));
        assert_eq!("embedded:".parse(), Ok(BusUrl::Embedded));
        for wrong in ["", "embedded:", "mongodb://localhost/recap", "./data"] {
            assert_eq!(wrong.parse::<StoreUrl>(), Err(UrlError::Store), "{wrong}");
        }
        for wrong in ["", "embedded", "embedded:x", "nats://localhost"] {
            assert_eq!(wrong.parse::<BusUrl>(), Err(UrlError::Bus), "{wrong}");
        }
    }
}
