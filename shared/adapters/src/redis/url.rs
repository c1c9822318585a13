//! Where Redis is. Law: read once, and no password in it is ever shown.

use std::fmt;
use std::str::FromStr;

use redis::{ConnectionInfo, IntoConnectionInfo as _};
use thiserror::Error;

/// A Redis server, such as `redis://:password@host:6379/0`; with TLS `rediss://`.
#[derive(Clone)]
pub struct RedisUrl {
    pub(super) info: ConnectionInfo,
    text: String,
}

/// A text that is no Redis URL. Holds no part of it, as it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be redis://host:port or rediss://host:port, with user and password where needed")]
pub struct RedisUrlError;

impl FromStr for RedisUrl {
    type Err = RedisUrlError;

    fn from_str(text: &str) -> Result<Self, RedisUrlError> {
        if !["redis://", "rediss://", "unix://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Err(RedisUrlError);
        }
        let info = text.into_connection_info().map_err(|_| RedisUrlError)?;
        Ok(Self { info, text: text.to_owned() })
    }
}

impl PartialEq for RedisUrl {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for RedisUrl {}

/// The server alone.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info.addr().fmt(f)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_server_only() {
        let url: RedisUrl = "redis://anna:s3cret@cache.example:6380/2".parse().unwrap();
        assert_eq!((url.to_string(), format!("{url:?}")), ("cache.example:6380".into(), "cache.example:6380".into()));
        assert!("rediss://:s3cret@cache.example".parse::<RedisUrl>().is_ok());
        for wrong in ["", "cache:6379", "http://cache", "redis://", "redis://cache/notanumber"] {
            assert!(wrong.parse::<RedisUrl>().is_err(), "{wrong}");
        }
    }
}
