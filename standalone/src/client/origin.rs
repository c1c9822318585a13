//! Which server, and with which key.

use std::fmt;
use std::str::FromStr;

use clap::Args;

/// The server that a command talks to.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerConfig {
    /// Where the server is; else where `LISTEN_ADDR` says, else `http://127.0.0.1:8000`
    #[arg(long, env = "RECAP_URL", hide_env_values = true, value_name = "URL")]
    url: Option<Origin>,
    /// An API key of that server, as `recap keys create` prints it
    #[arg(long, env = "RECAP_KEY", hide_env_values = true, value_name = "KEY")]
    pub(crate) key: Option<Key>,
}

impl ServerConfig {
    pub(crate) fn origin(&self) -> Origin {
        self.url.clone().unwrap_or_else(|| Origin::near("LISTEN_ADDR"))
    }

    /// Where it answers operators: that may be an address of its own, and is without TLS there.
    pub(crate) fn operators(&self) -> Origin {
        let apart = std::env::var_os("ADMIN_ADDR").is_some_and(|address| !address.is_empty());
        let variable = if apart { "ADMIN_ADDR" } else { "LISTEN_ADDR" };
        self.url.clone().unwrap_or_else(|| Origin::near(variable))
    }
}

/// `http://host:port`, perhaps with a path before the server's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    /// The server of this machine, as its own settings say where it listens.
    fn near(variable: &str) -> Self {
        let listens = std::env::var(variable).ok();
        let (host, port) = listens.as_deref().and_then(|address| address.rsplit_once(':')).unwrap_or(("", "8000"));
        let port = if port.parse::<u16>().is_ok_and(|port| port != 0) { port } else { "8000" };
        let host = match host {
            "" | "0.0.0.0" | "localhost" => "127.0.0.1",
            "[::]" => "[::1]",
            host => host,
        };
        Self(format!("http://{host}:{port}"))
    }

    /// What it is made of.
    pub(crate) fn parts(&self) -> Parts<'_> {
        let (secure, rest) = match self.0.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, self.0.strip_prefix("http://").unwrap_or(&self.0)),
        };
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let port = authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
        let host = port.map_or(authority, |(host, _)| host);
        let authority = match port {
            Some(_) => authority.to_owned(),
            None => format!("{authority}:{}", if secure { 443 } else { 80 }),
        };
        Parts { secure, host: host.trim_start_matches('[').trim_end_matches(']'), authority, path }
    }

    /// The same for sockets.
    pub(crate) fn socket(&self) -> String {
        // `http` becomes `ws`, and `https` `wss`.
        self.0.replacen("http", "ws", 1)
    }
}

/// Scheme, host, host and port, and the path before the server's own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) secure: bool,
    pub(crate) host: &'a str,
    pub(crate) authority: String,
    pub(crate) path: &'a str,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Origin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "must be the address of a server, such as http://127.0.0.1:8000";
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).ok_or(WRONG)?;
        let host = rest.split('/').next().unwrap_or_default();
        let odd = |sign: char| sign.is_whitespace() || sign.is_control() || matches!(sign, '?' | '#' | '@');
        if host.is_empty() || host.starts_with(':') || rest.contains(odd) {
            return Err(WRONG);
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

/// An API key, never shown.
#[derive(Clone)]
pub(crate) struct Key(String);

impl Key {
    /// The value of `Authorization`.
    pub(crate) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl FromStr for Key {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("must be a key as `recap keys create` prints it, rk_…");
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_and_taken_apart() {
        let origin = |text: &str| text.parse::<Origin>().unwrap();
        assert_eq!(origin("localhost:8000").to_string(), "http://localhost:8000");
        assert_eq!(origin("https://a.b/recap/").socket(), "wss://a.b/recap");
        for (text, secure, host, authority, path) in [
            ("http://a.b/recap", false, "a.b", "a.b:80", "/recap"),
            ("http://[::1]", false, "::1", "[::1]:80", ""),
            ("http://[::1]:5", false, "::1", "[::1]:5", ""),
            ("https://a.b", true, "a.b", "a.b:443", ""),
            ("https://a.b:8443/x", true, "a.b", "a.b:8443", "/x"),
        ] {
            assert_eq!(origin(text).parts(), Parts { secure, host, authority: authority.to_owned(), path }, "{text}");
        }
        for wrong in ["", "ftp://a", "http://", "http://:8000", "http://a?b", "a b", "http://u@h"] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }
}
