//! Settings of the HTTP side.

use std::time::Duration;

use clap::{Args, ValueEnum};
use shared::config::duration;

use super::{ListenAddr, Networks, Origins, TlsConfig};

pub(super) fn limit(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("must be longer than 0".to_owned()),
        limit => Ok(limit),
    }
}

/// Whether calls without a key are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Anonymous {
    /// As the tenant `public`.
    On,
    /// Every call needs a key.
    Off,
}

/// Where a process listens, whom it lets in, and its limits.
#[derive(Debug, Clone, Args)]
pub struct HttpConfig {
    /// HTTP and WebSocket; port 0 takes a free one
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8000")]
    pub listen_addr: ListenAddr,
    /// Metrics and health on an address of their own
    #[arg(long, env = "ADMIN_ADDR")]
    pub admin_addr: Option<ListenAddr>,
    /// Requests a minute for each key; 0 = no limit
    #[arg(long, env = "RATE_LIMIT_KEY", default_value_t = 100)]
    pub rate_limit_key: u32,
    /// Requests a minute for each address without a key; 0 = no limit
    #[arg(long, env = "RATE_LIMIT_ANONYMOUS", default_value_t = 10)]
    pub rate_limit_anonymous: u32,
    /// Whether calls without a key are let in
    #[arg(long, env = "ANONYMOUS", default_value = "on")]
    pub anonymous: Anonymous,
    /// Proxies whose X-Forwarded-For counts: addresses and networks, with commas
    #[arg(long, env = "TRUSTED_PROXIES", default_value = "")]
    pub trusted_proxies: Networks,
    /// Web pages that may call: origins, with commas
    #[arg(long, env = "ALLOWED_ORIGINS", default_value = "")]
    pub allowed_origins: Origins,
    /// The most connections at once, sockets included; never more than the system's limit of open files leaves
    #[arg(long, env = "MAX_CONNECTIONS", default_value_t = 16_384)]
    pub max_connections: usize,
    /// The most connections at once of one address (IPv6: of its /64), trusted proxies aside; 0 = no limit [default: 512, and no limit for this machine's own programs]
    #[arg(long, env = "MAX_CONNECTIONS_PER_ADDRESS")]
    pub max_connections_per_address: Option<usize>,
    /// The most requests worked on at once: all of them reads, or three quarters writes, or half summaries on demand
    #[arg(long, env = "MAX_IN_FLIGHT", default_value_t = 4096)]
    pub max_in_flight: usize,
    /// The largest head of a request, in bytes
    #[arg(long, env = "MAX_HEADER_BYTES", default_value_t = 32 * 1024)]
    pub max_header_bytes: usize,
    /// How long the head of a request may take
    #[arg(long, env = "HEADER_TIMEOUT", default_value = "10s", value_parser = limit)]
    pub header_timeout: Duration,
    /// How long the body of a request may take
    #[arg(long, env = "BODY_TIMEOUT", default_value = "30s", value_parser = limit)]
    pub body_timeout: Duration,
    /// How long an answer may take
    #[arg(long, env = "HANDLER_TIMEOUT", default_value = "60s", value_parser = limit)]
    pub handler_timeout: Duration,
    /// How long a connection may rest between requests, or a client may leave an answer unread
    #[arg(long, env = "IDLE_TIMEOUT", default_value = "75s", value_parser = limit)]
    pub idle_timeout: Duration,
    /// How long a stop may take in all
    #[arg(long, env = "SHUTDOWN_TIMEOUT", default_value = "10s", value_parser = limit)]
    pub shutdown_timeout: Duration,
    /// TLS, if the process is to speak it itself.
    #[command(flatten)]
    pub tls: TlsConfig,
}

impl Default for HttpConfig {
    /// What is used where neither flag nor variable is set, except that a free port is taken.
    fn default() -> Self {
        Self {
            listen_addr: ListenAddr(std::net::SocketAddr::from(([127, 0, 0, 1], 0))),
            admin_addr: None,
            rate_limit_key: 100,
            rate_limit_anonymous: 10,
            anonymous: Anonymous::On,
            trusted_proxies: Networks::default(),
            allowed_origins: Origins::default(),
            max_connections: 16_384,
            max_connections_per_address: None,
            max_in_flight: 4096,
            max_header_bytes: 32 * 1024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            handler_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_secs(75),
            shutdown_timeout: Duration::from_secs(10),
            tls: TlsConfig::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        http: HttpConfig,
    }

    #[test]
    fn flags_and_variables_have_the_same_words() {
        let command = Command::command();
        for argument in command.get_arguments().filter(|argument| argument.get_env().is_some()) {
            let flag = argument.get_long().unwrap().replace('-', "_").to_uppercase();
            assert_eq!(argument.get_env().unwrap().to_str(), Some(flag.as_str()));
        }
    }

    #[test]
    fn a_limit_of_no_time_is_refused() {
        assert!(Command::try_parse_from(["recap", "--handler-timeout", "0"]).is_err());
        assert!(Command::try_parse_from(["recap", "--handler-timeout", "1ms"]).is_ok());
    }

    #[test]
    fn the_written_defaults_are_those_of_the_command_line() {
        let parsed = Command::parse_from(["recap", "--listen-addr", "127.0.0.1:0"]).http;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", HttpConfig::default()));
    }
}
