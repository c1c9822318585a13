//! `recap health`: whether a server can serve, for container health checks. No runtime and no TLS: one request over
//! one connection, and an exit code.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use crate::client::ServerConfig;

/// An answer's head is far smaller.
const MOST: u64 = 64 * 1024;

/// Settings of the check.
#[derive(Debug, Args)]
pub(crate) struct HealthConfig {
    #[command(flatten)]
    server: ServerConfig,
    /// How long the server may take
    #[arg(long, default_value = "5s", value_parser = shared::config::duration)]
    timeout: Duration,
}

/// 0 if it can serve, 1 with a line on standard error if not.
pub(crate) fn run(config: &HealthConfig) -> ExitCode {
    match ask(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {}: {why}", config.server.operators());
            ExitCode::FAILURE
        }
    }
}

fn ask(config: &HealthConfig) -> Result<(), String> {
    let origin = config.server.operators();
    let Some((authority, prefix)) = origin.plain() else {
        return Err("health is asked over plain http, where the server itself listens".to_owned());
    };
    let until = Instant::now() + config.timeout;
    let left = || until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let addresses = authority.to_socket_addrs().map_err(|error| error.to_string())?;
    let mut last = "it has no address".to_owned();
    for address in addresses {
        let mut stream = match TcpStream::connect_timeout(&address, left()) {
            Ok(stream) => stream,
            Err(error) => {
                last = error.to_string();
                continue;
            }
        };
        let request = format!("GET {prefix}/readyz HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
        stream.set_write_timeout(Some(left())).map_err(|error| error.to_string())?;
        stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
        return verdict(&heard(stream, until)?);
    }
    Err(last)
}

/// The answer, up to its end or the time's.
fn heard(mut stream: TcpStream, until: Instant) -> Result<Vec<u8>, String> {
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while (answer.len() as u64) < MOST {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("no answer in time".to_owned());
        }
        stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&part[..count]),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                return Err("no answer in time".to_owned());
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(answer)
}

fn verdict(answer: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.strip_prefix("HTTP/1.1 ").or_else(|| head.strip_prefix("HTTP/1.0 "));
    match status.and_then(|rest| rest.get(..3)) {
        Some("200") => Ok(()),
        Some(status) => Err(format!("not ready (status {status}) {}", body.trim())),
        None => Err("what answers there is no HTTP server".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_200_is_healthy() {
        assert_eq!(verdict(b"HTTP/1.1 200 OK\r\n\r\n{}"), Ok(()));
        assert!(verdict(b"HTTP/1.1 503 Service Unavailable\r\n\r\nlog").is_err_and(|why| why.contains("503) log")));
        for odd in [&b""[..], b"HTTP/1.1", b"SSH-2.0-x\r\n", b"HTTP/1.1 2", b"\xff"] {
            assert!(verdict(odd).is_err());
        }
    }
}
