//! `recap health`: whether a server can serve, for container health checks. One request over one connection, and an
//! exit code; all of it within the time given.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_platform_verifier::ConfigVerifierExt as _;
use serde::Serialize;

use crate::client::{Parts, ServerConfig, secure, untrusted, untrusted_words};

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
    /// Print the verdict as JSON too
    #[arg(long)]
    json: bool,
}

/// The verdict for programs.
#[derive(Serialize)]
struct Told<'a> {
    url: String,
    ready: bool,
    /// Why it is not; as on standard error.
    reason: Option<&'a str>,
}

/// 0 if it can serve, 1 with a line on standard error if not.
pub(crate) fn run(config: &HealthConfig) -> anyhow::Result<ExitCode> {
    let origin = config.server.operators();
    let why = match ask(&origin.parts(), Instant::now() + config.timeout) {
        Ok(verdict) => verdict.err().map(|why| format!("{origin}: {why}")),
        Err(error) => Some(match untrusted(&error) {
            Some(why) => untrusted_words(&origin, &why),
            None if late(&error) => format!("{origin}: no answer in time"),
            None => format!("{origin}: {error}"),
        }),
    };
    if config.json {
        let told = Told { url: origin.to_string(), ready: why.is_none(), reason: why.as_deref() };
        println!("{}", serde_json::to_string(&told)?);
    }
    let Some(why) = why else { return Ok(ExitCode::SUCCESS) };
    eprintln!("error: {why}");
    Ok(ExitCode::FAILURE)
}

fn late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn ask(to: &Parts<'_>, until: Instant) -> io::Result<Result<(), String>> {
    let stream = Timed { stream: connect(&to.authority, until)?, until };
    if to.secure { exchange(encrypted(to.host, stream)?, to) } else { exchange(stream, to) }
}

fn connect(authority: &str, until: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
    for address in authority.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn encrypted(host: &str, stream: Timed) -> io::Result<StreamOwned<ClientConnection, Timed>> {
    secure();
    let config = ClientConfig::with_platform_verifier().map_err(io::Error::other)?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(StreamOwned::new(ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?, stream))
}

fn exchange(mut stream: impl Read + Write, to: &Parts<'_>) -> io::Result<Result<(), String>> {
    let (authority, path) = (&to.authority, to.path);
    let request = format!("GET {path}/readyz HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(MOST).read_to_end(&mut answer) {
        // Many a server ends TLS without saying so.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && !answer.is_empty() => {}
        heard => drop(heard?),
    }
    Ok(verdict(&answer))
}

/// A stream on which nothing takes longer than until then.
struct Timed {
    stream: TcpStream,
    until: Instant,
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.until)?))?;
        self.stream.read(into)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.until)?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
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
