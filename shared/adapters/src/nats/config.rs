//! Where NATS is and how to be let in. Law: a URL is read once, and no secret in it is ever shown.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use async_nats::ServerAddr;
use clap::Args;
use percent_encoding::percent_decode_str;
use thiserror::Error;

/// How to be let in, beside what the URL says, and what the deployment is called.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NatsConfig {
    /// File with NATS credentials (JWT and seed, `.creds`)
    #[arg(long, env = "NATS_CREDENTIALS", value_name = "FILE")]
    pub nats_credentials: Option<PathBuf>,
    /// File with the seed of an nkey
    #[arg(long, env = "NATS_NKEY", value_name = "FILE", conflicts_with = "nats_credentials")]
    pub nats_nkey: Option<PathBuf>,
    /// File with the certificates (PEM) that NATS's own is checked against; without it, the system's
    #[arg(long, env = "NATS_TLS_CA", value_name = "FILE")]
    pub nats_tls_ca: Option<PathBuf>,
    /// File with the certificate (PEM) shown to NATS
    #[arg(long, env = "NATS_TLS_CERT", value_name = "FILE", requires = "nats_tls_key")]
    pub nats_tls_cert: Option<PathBuf>,
    /// File with the key (PEM) of that certificate
    #[arg(long, env = "NATS_TLS_KEY", value_name = "FILE", requires = "nats_tls_cert")]
    pub nats_tls_key: Option<PathBuf>,
    /// First word of all subjects and, in capitals, name of the stream: one for each deployment that shares NATS
    #[arg(long, env = "NATS_PREFIX", default_value = "recap")]
    pub nats_prefix: NatsPrefix,
    /// Servers of a NATS cluster that keep a copy of the stream
    #[arg(long, env = "NATS_REPLICAS", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub nats_replicas: u8,
}

impl Default for NatsConfig {
    fn default() -> Self {
        Self {
            nats_credentials: None,
            nats_nkey: None,
            nats_tls_ca: None,
            nats_tls_cert: None,
            nats_tls_key: None,
            nats_prefix: NatsPrefix("recap".to_owned()),
            nats_replicas: 1,
        }
    }
}

/// First word of all subjects: lower-case letters, digits and `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatsPrefix(String);

impl NatsPrefix {
    /// The word itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NatsPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot be the first word of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be 1 to 32 lower-case letters, digits and `-`")]
pub struct NatsPrefixError;

impl FromStr for NatsPrefix {
    type Err = NatsPrefixError;

    fn from_str(text: &str) -> Result<Self, NatsPrefixError> {
        let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > 32 || !text.bytes().all(sound) {
            return Err(NatsPrefixError);
        }
        Ok(Self(text.to_owned()))
    }
}

/// One or more servers of one cluster, such as `nats://user:password@one:4222,two:4222`.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsUrl {
    /// Without user and password.
    servers: Vec<ServerAddr>,
    login: Login,
}

/// What the URL says about who connects.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Login {
    Nobody,
    Token(String),
    Password { user: String, password: String },
}

/// A text that is no NATS URL. Holds no part of it, as it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NatsUrlError {
    /// Not of the form.
    #[error("must be nats://host:port or tls://host:port, several separated by commas")]
    Form,
    /// Different users.
    #[error("all servers must be given the same user and password")]
    Logins,
}

impl NatsUrl {
    pub(super) fn servers(&self) -> &[ServerAddr] {
        &self.servers
    }

    pub(super) fn login(&self) -> &Login {
        &self.login
    }
}

impl FromStr for NatsUrl {
    type Err = NatsUrlError;

    fn from_str(text: &str) -> Result<Self, NatsUrlError> {
        let mut servers = Vec::new();
        let mut login = Login::Nobody;
        for part in text.split(',') {
            let (server, own) = server(part.trim(), servers.is_empty())?;
            if own != Login::Nobody && login != Login::Nobody && own != login {
                return Err(NatsUrlError::Logins);
            }
            if own != Login::Nobody {
                login = own;
            }
            servers.push(server);
        }
        Ok(Self { servers, login })
    }
}

/// One server; only the first one must name its scheme.
fn server(text: &str, first: bool) -> Result<(ServerAddr, Login), NatsUrlError> {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    if !matches!(scheme, Some("nats" | "tls")) && (first || scheme.is_some()) {
        return Err(NatsUrlError::Form);
    }
    let mut url = text.parse::<ServerAddr>().map_err(|_| NatsUrlError::Form)?.into_inner();
    let plain_path = matches!(url.path(), "" | "/");
    if url.host_str().is_none_or(str::is_empty) || !plain_path || url.query().is_some() || url.fragment().is_some() {
        return Err(NatsUrlError::Form);
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(std::borrow::Cow::into_owned);
    let user = decoded(url.username()).map_err(|_| NatsUrlError::Form)?;
    let password = url.password().map(decoded).transpose().map_err(|_| NatsUrlError::Form)?;
    let login = match password {
        Some(password) => Login::Password { user, password },
        None if user.is_empty() => Login::Nobody,
        None => Login::Token(user),
    };
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| NatsUrlError::Form)?;
    let server = ServerAddr::from_url(url).map_err(|_| NatsUrlError::Form)?;
    Ok((server, login))
}

/// The servers alone.
impl fmt::Display for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, server) in self.servers.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma}{}://{}:{}", server.scheme(), server.host(), server.port())?;
        }
        Ok(())
    }
}

impl fmt::Debug for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_servers_and_logins_and_shows_servers_only() {
        let url: NatsUrl = "nats://anna:s%40crt@one:4333,two,tls://three".parse().unwrap();
        assert_eq!(url.to_string(), "nats://one:4333,nats://two:4222,tls://three:4222");
        assert_eq!(format!("{url:?}"), url.to_string());
        let login = Login::Password { user: "anna".to_owned(), password: "s@crt".to_owned() };
        assert!(*url.login() == login);
        let token: NatsUrl = "nats://t0ken@one".parse().unwrap();
        assert!(*token.login() == Login::Token("t0ken".to_owned()));
        assert!(*"nats://[::1]:4222".parse::<NatsUrl>().unwrap().login() == Login::Nobody);
    }

    #[test]
    fn refuses_what_is_no_nats_url() {
        for wrong in ["", "one:4222", "http://one", "nats://", "nats://one/path", "nats://one,", "nats://one:99999"] {
            assert_eq!(wrong.parse::<NatsUrl>(), Err(NatsUrlError::Form), "{wrong}");
        }
        assert_eq!("nats://a:b@one,c:d@two".parse::<NatsUrl>(), Err(NatsUrlError::Logins));
    }

    #[test]
    fn a_prefix_is_one_plain_word() {
        assert_eq!("recap-2".parse::<NatsPrefix>().map(|prefix| prefix.to_string()), Ok("recap-2".to_owned()));
        for wrong in ["", "a.b", "a b", "A", "*", &"a".repeat(33)] {
            assert_eq!(wrong.parse::<NatsPrefix>(), Err(NatsPrefixError), "{wrong}");
        }
    }
}
